"""The suite on one machine: embedded Postgres, a throw-away authority, services as supervised children."""
