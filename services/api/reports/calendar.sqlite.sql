SELECT year, month
FROM periods
WHERE company = $1
ORDER BY period
