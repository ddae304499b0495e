SELECT cont, denumire, precdeb, preccred, ruldeb, rulcred, solddeb, soldcred
FROM vbal
WHERE company = $1 AND an = $2 AND luna = $3
ORDER BY cont COLLATE "C"
