-- any scale
VALUES (1, 'a', 2.5), (2, NULL, 3), (NULL, 'b', -1)
