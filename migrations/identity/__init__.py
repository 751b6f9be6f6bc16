"""Identity store of the OAuth 2.0 / OpenID Connect service."""
