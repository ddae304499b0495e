SELECT id, name, tax_id, currency
FROM companies
ORDER BY name COLLATE "C", id
