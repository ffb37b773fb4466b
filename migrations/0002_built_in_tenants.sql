-- The operator's tenant, and Weir's own: they exist in every installation.
INSERT INTO `tenants` (`id`, `name`, `created_at`) VALUES
  ('default', 'Operator', unixepoch() * 1000),
  ('system', 'Weir itself', unixepoch() * 1000);
