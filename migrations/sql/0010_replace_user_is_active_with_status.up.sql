-- A federated user has no password, so its column becomes optional: the table is made anew.
CREATE TABLE users_new (
    id VARCHAR(36) NOT NULL,
    email VARCHAR(320) NOT NULL,
    display_name VARCHAR(200),
    password_hash VARCHAR(255),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    email_normalized VARCHAR(320) NOT NULL,
    status VARCHAR(16) DEFAULT 'active' NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_email_normalized UNIQUE (email_normalized),
    CONSTRAINT ck_users_status CHECK (status IN ('active', 'locked', 'disabled'))
);

INSERT INTO users_new (id, email, display_name, password_hash, created_at, email_normalized, status)
SELECT id, email, full_name, password_hash, created_at, email_normalized,
    CASE WHEN is_active THEN 'active' ELSE 'disabled' END
FROM users;

DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
