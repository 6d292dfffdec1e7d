"""Configuration, read once from the environment. docs/configuration.md lists all settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: The private networks of IPv4 and IPv6 (RFC 1918, RFC 4193): not the machine itself, not link-local addresses.
PRIVATE_NETWORKS = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"


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
    #: Days that a browser asks over HTTPS alone after it did once (HSTS); 0: not said. With `https` only.
    hsts_days: int = 365
    #: Names besides addresses and the machine's own under which the panel answers, separated by commas.
    hosts: str = ""
    #: Where the webhook may send to: networks, addresses and names, separated by commas.
    webhook_hosts: str = PRIVATE_NETWORKS
    #: Days that the access log is kept, a file for each; 0: none is written.
    access_log_days: int = 180
    #: argon2's time cost; 1 is for tests.
    password_cost: int = 3
    #: Waitress threads.
    threads: int = 8
    #: Connections at a time, and seconds after which one that says nothing is closed.
    connections: int = 800
    silent_seconds: int = 60
    #: Seconds that a request waits for a lock of the database.
    lock_seconds: float = 5.0
    #: SQLite's `synchronous`: FULL or NORMAL.
    synchronous: str = "FULL"
    #: The folder of backups, in the instance folder if not given; a second one for their copies; the file of the key
    #: that encrypts them.
    backup_folder: Path | None = None
    backup_second: Path | None = None
    backup_key_file: Path | None = None
    #: Log JSON, one line for each event.
    log_json: bool = False
    #: Seals the logs. Without it a key is derived from SECRET_KEY, which is for trials only.
    log_key: str | None = None
    #: Hashes private telephones; SECRET_KEY without it.
    hash_key: str | None = None
    #: Encrypts private values: the newest key, and older ones behind it. Without it one is derived from SECRET_KEY.
    data_key: str | None = None
    #: The file that the head of the sealed logs is written to each day; in the instance folder if not given.
    log_heads: Path | None = None
    #: URL of the Redis server for the queue of jobs; None for a SQLite file in the instance folder.
    jobs_url: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Config:
        env = os.environ if environment is None else environment
        instance = Path(env.get("INSTANCE_PATH") or Path(__file__).resolve().parent.parent / "instance").resolve()
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = instance / "panel.db"
        # Where there is data, a key that is missing isn't replaced in silence.
        new = bool(env.get("DATABASE_URL")) or not database.exists() or not database.stat().st_size
        return cls(
            instance=instance,
            database_url=_driver(env.get("DATABASE_URL") or f"sqlite:///{database}"),
            secret_key=env.get("SECRET_KEY") or _stored_key(instance / "secret_key", new=new),
            host=env.get("HOST", cls.host),
            port=int(env.get("PORT", cls.port)),
            trusted_proxies=int(env.get("TRUSTED_PROXIES", cls.trusted_proxies)),
            https=env.get("HTTPS", "") in ("1", "true", "yes"),
            hsts_days=int(env.get("HSTS_DAYS", cls.hsts_days)),
            hosts=env.get("HOSTS", cls.hosts),
            webhook_hosts=env.get("WEBHOOK_HOSTS", cls.webhook_hosts),
            access_log_days=int(env.get("ACCESS_LOG_DAYS", cls.access_log_days)),
            password_cost=int(env.get("PASSWORD_COST", cls.password_cost)),
            threads=int(env.get("THREADS", cls.threads)),
            connections=int(env.get("CONNECTIONS", cls.connections)),
            silent_seconds=int(env.get("SILENT_SECONDS", cls.silent_seconds)),
            lock_seconds=float(env.get("LOCK_SECONDS", cls.lock_seconds)),
            synchronous=env.get("SYNCHRONOUS", cls.synchronous).upper(),
            backup_folder=_path(env.get("BACKUP_FOLDER")),
            backup_second=_path(env.get("BACKUP_SECOND")),
            backup_key_file=_path(env.get("BACKUP_KEY_FILE")),
            log_json=env.get("LOG_JSON", "") in ("1", "true", "yes"),
            log_key=env.get("LOG_KEY") or _stored_key(instance / "log_key", new=True),
            hash_key=env.get("HASH_KEY") or _stored_key(instance / "hash_key", new=True),
            data_key=env.get("DATA_KEY") or _stored_key(instance / "data_key", new=True),
            log_heads=Path(env["LOG_HEADS"]).resolve() if env.get("LOG_HEADS") else None,
            jobs_url=env.get("JOBS_URL") or None,
        )

    def keys(self) -> dict[str, str]:
        """The keys whose fingerprints the database holds, by the name of their setting. The file of a key has that
        name in small letters. Of the keys that encrypt it is the oldest: a newer one is put before it."""
        oldest = (self.data_key or "").split()[-1:]
        others = {"LOG_KEY": self.log_key, "HASH_KEY": self.hash_key, "DATA_KEY": "".join(oldest)}
        return {"SECRET_KEY": self.secret_key, **{name: key for name, key in others.items() if key}}

    def for_flask(self) -> dict[str, object]:
        """The settings under Flask's names."""
        return {
            "SECRET_KEY": self.secret_key,
            "KEYS": self.keys(),
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "PASSWORD_COST": self.password_cost,
            "TRUSTED_PROXIES": self.trusted_proxies,
            "SESSION_COOKIE_SECURE": self.https,
            "REMEMBER_COOKIE_SECURE": self.https,
            "HSTS_DAYS": self.hsts_days if self.https else 0,
            "HOSTS": self.hosts,
            "WEBHOOK_HOSTS": self.webhook_hosts,
            "LOG_KEY": self.log_key,
            "HASH_KEY": self.hash_key,
            "DATA_KEY": self.data_key,
            "LOG_HEADS": self.log_heads,
            "JOBS_URL": self.jobs_url,
            "THREADS": self.threads,
            "BACKUP_FOLDER": self.backup_folder,
            "BACKUP_SECOND": self.backup_second,
            "BACKUP_KEY_FILE": self.backup_key_file,
            "LOCK_SECONDS": self.lock_seconds,
            "SYNCHRONOUS": self.synchronous,
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
    "hsts_days": "HSTS_DAYS",
    "hosts": "HOSTS",
    "webhook_hosts": "WEBHOOK_HOSTS",
    "access_log_days": "ACCESS_LOG_DAYS",
    "password_cost": "PASSWORD_COST",
    "threads": "THREADS",
    "connections": "CONNECTIONS",
    "silent_seconds": "SILENT_SECONDS",
    "lock_seconds": "LOCK_SECONDS",
    "synchronous": "SYNCHRONOUS",
    "backup_folder": "BACKUP_FOLDER",
    "backup_second": "BACKUP_SECOND",
    "backup_key_file": "BACKUP_KEY_FILE",
    "log_json": "LOG_JSON",
    "log_key": "LOG_KEY",
    "hash_key": "HASH_KEY",
    "data_key": "DATA_KEY",
    "log_heads": "LOG_HEADS",
    "jobs_url": "JOBS_URL",
}


def _driver(url: str) -> str:
    """The database URL with psycopg 3 as the driver of PostgreSQL."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _path(text: str | None) -> Path | None:
    return Path(text).resolve() if text else None


def _stored_key(file: Path, *, new: bool) -> str:
    """The key in a file, generated at the first start of a `new` installation; "" where it is missing otherwise."""
    try:
        if new:
            with file.open("x") as out:
                file.chmod(0o600)
                out.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return file.read_text().strip() if file.is_file() else ""
