-- SQLite cannot drop a unique constraint, so the table is made anew.
CREATE TABLE users_new (
    id VARCHAR(36) NOT NULL,
    email VARCHAR(320) NOT NULL,
    full_name VARCHAR(200),
    password_hash VARCHAR(255) NOT NULL,
    is_active BOOLEAN DEFAULT 1 NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    email_normalized VARCHAR(320) NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_email_normalized UNIQUE (email_normalized)
);

INSERT INTO users_new (id, email, full_name, password_hash, is_active, created_at, email_normalized)
SELECT id, email, full_name, password_hash, is_active, created_at, lower(trim(email))
FROM users;

DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
