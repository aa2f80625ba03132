SELECT (SELECT count(*) FROM PERSON) AS people, (SELECT count(*) FROM ER_PRS_F) AS claims, (SELECT count(*) FROM IR_PHA_R) AS packages
