-- Prices are text, since SQLite has no decimal numbers. So are the items of an order, as JSON: they
-- are written once, and read as a whole.

CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    email TEXT NOT NULL,
    placed TEXT NOT NULL,
    shipped INTEGER NOT NULL DEFAULT 0,
    items TEXT NOT NULL,
    UNIQUE (tenant, key)
) STRICT;

CREATE INDEX orders_of_tenant ON orders (tenant, id);
