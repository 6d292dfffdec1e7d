"""Set-up, read once from the environment. docs/configuration.md lists every value; a test compares."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """`instance` is the folder of what belongs to this installation: database, key, uploads."""

    instance: Path
    database_url: str
    secret_key: str
    host: str = "127.0.0.1"
    port: int = 8000
    #: Reverse proxies in front whose X-Forwarded headers are believed.
    trusted_proxies: int = 0
    #: Cookies only over HTTPS.
    https: bool = False
    #: argon2's time cost; 1 is for tests.
    password_cost: int = 3
    #: Waitress threads.
    threads: int = 8
    #: Log lines as JSON, one an event.
    log_json: bool = False
    #: Where jobs wait: None is a SQLite file in the instance folder; a Redis server's address otherwise.
    jobs_url: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Config:
        env = os.environ if environment is None else environment
        instance = Path(env.get("INSTANCE_PATH") or Path(__file__).resolve().parent.parent / "instance").resolve()
        instance.mkdir(parents=True, exist_ok=True)
        return cls(
            instance=instance,
            database_url=_driver(env.get("DATABASE_URL") or f"sqlite:///{instance / 'panel.db'}"),
            secret_key=env.get("SECRET_KEY") or _kept_key(instance / "secret_key"),
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
        """The same as settings of a Flask application."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "PASSWORD_COST": self.password_cost,
            "TRUSTED_PROXIES": self.trusted_proxies,
            "SESSION_COOKIE_SECURE": self.https,
            "REMEMBER_COOKIE_SECURE": self.https,
            "JOBS_URL": self.jobs_url,
        }


#: What each setting is called in the environment.
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
    """`postgres://` and `postgresql://` mean psycopg 3."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _kept_key(file: Path) -> str:
    """The key of this installation, made once. Who loses it ends every session and can't compare phones any more."""
    try:
        with file.open("x") as new:
            file.chmod(0o600)
            new.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return file.read_text().strip()
