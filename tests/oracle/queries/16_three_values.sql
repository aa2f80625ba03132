SELECT count(*) AS lines, count(*) FILTER (WHERE CPL_MAJ_TOP < 2) AS small, count(*) FILTER (WHERE NOT (CPL_MAJ_TOP < 2)) AS large, count(*) FILTER (WHERE (CPL_MAJ_TOP < 2) IS NULL) AS unknown, count(*) FILTER (WHERE (CPL_MAJ_TOP < 2) IS NOT TRUE) AS not_small
FROM ER_PRS_F
