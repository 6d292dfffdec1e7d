"""Configuration, read once from the environment. docs/configuration.md lists all settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """The settings. `instance` is the folder of this installation's database, key, uploads and jobs."""

    instance: Path
    database_url: str
    secret_key: str
    host: str = "127.0.0.1"
    port: int = 8000
    #: Number of reverse proxies in front whose X-Forwarded headers are trusted.
    trusted_proxies: int = 0
    #: Send cookies only over HTTPS.
    https: bool = False
    #: argon2's time cost; 1 is for tests.
    password_cost: int = 3
    #: Waitress threads.
    threads: int = 8
    #: Log JSON, one line for each event.
    log_json: bool = False
    #: URL of the Redis server for the queue of jobs; None for a SQLite file in the instance folder.
    jobs_url: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Config:
        env = os.environ if environment is None else environment
        instance = Path(env.get("INSTANCE_PATH") or Path(__file__).resolve().parent.parent / "instance").resolve()
        instance.mkdir(parents=True, exist_ok=True)
        return cls(
            instance=instance,
            database_url=_driver(env.get("DATABASE_URL") or f"sqlite:///{instance / 'panel.db'}"),
            secret_key=env.get("SECRET_KEY") or _stored_key(instance / "secret_key"),
            host=env.get("HOST", cls.host),
            port=int(env.get("PORT", cls.port)),
            trusted_proxies=int(env.get("TRUSTED_PROXIES", cls.trusted_proxies)),
            https=env.get("HTTPS", "") in ("1", "true", "yes"),
            password_cost=int(env.get("PASSWORD_COST", cls.password_cost)),
            threads=int(env.get("THREADS", cls.threads)),
            log_json=env.get("LOG_JSON", "") in ("1", "true", "yes"),
            jobs_url=env.get("JOBS_URL") or None,
        )

    def for_flask(self) -> dict[str, object]:
        """The settings under Flask's names."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "PASSWORD_COST": self.password_cost,
            "TRUSTED_PROXIES": self.trusted_proxies,
            "SESSION_COOKIE_SECURE": self.https,
            "REMEMBER_COOKIE_SECURE": self.https,
            "JOBS_URL": self.jobs_url,
        }


#: The environment variable of each setting.
VARIABLES = {
    "instance": "INSTANCE_PATH",
    "database_url": "DATABASE_URL",
    "secret_key": "SECRET_KEY",
    "host": "HOST",
    "port": "PORT",
    "trusted_proxies": "TRUSTED_PROXIES",
    "https": "HTTPS",
    "password_cost": "PASSWORD_COST",
    "threads": "THREADS",
    "log_json": "LOG_JSON",
    "jobs_url": "JOBS_URL",
}


def _driver(url: str) -> str:
    """The database URL with psycopg 3 as the driver of PostgreSQL."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _stored_key(file: Path) -> str:
    """The key of this installation, generated at the first start. Without it all sessions end, and stored hashes of
    phones can't be compared any more."""
    try:
        with file.open("x") as new:
            file.chmod(0o600)
            new.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return file.read_text().strip()
