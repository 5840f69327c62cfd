"""Reflects 500 tables by SQLAlchemy and by mirrorm in turn, and prints the medians and their ratio."""

import os
import statistics
import subprocess
import tempfile
import time

import sqlalchemy

ROUNDS = 5
TABLES = 500
SERVERS = {
    "PostgreSQL": "POSTGRES_TEST_URL",
    "PostgreSQL18": "POSTGRES18_TEST_URL",
    "MariaDB": "MARIADB_TEST_URL",
    "MySQL": "MYSQL_TEST_URL",
}
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}


def bench(*arguments):
    """The bench of reflection as a program: what it prints."""
    command = ["cargo", "bench", "--quiet", "--bench", "reflection", "--", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def theirs(connection):
    """Milliseconds of one whole-schema reflection on a connection that was used before, as ours was."""
    before = time.perf_counter()
    metadata = sqlalchemy.MetaData()
    metadata.reflect(connection)
    elapsed = (time.perf_counter() - before) * 1e3
    connection.rollback()
    assert len(metadata.tables) == TABLES, len(metadata.tables)
    return elapsed


def compare(name, ours_url, their_url):
    bench("--make", ours_url)
    engine = sqlalchemy.create_engine(their_url)
    with engine.connect() as connection:
        theirs(connection)
        pairs = [(theirs(connection), float(bench("--time", ours_url))) for _ in range(ROUNDS)]
    engine.dispose()
    their_median = statistics.median(pair[0] for pair in pairs)
    our_median = statistics.median(pair[1] for pair in pairs)
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    print(f"| {name:<12} | {their_median:>13.1f} | {our_median:>10.1f} | {ratio:>6.1f} |", flush=True)


def main():
    print(f"SQLAlchemy {sqlalchemy.__version__}, {TABLES} tables, medians of {ROUNDS}\n")
    print("| database     | SQLAlchemy ms | mirrorm ms | ratio  |")
    print("|--------------|---------------|------------|--------|")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "many.db")
        compare("SQLite", f"sqlite:///{path}", f"sqlite:///{path}")
    for name, variable in SERVERS.items():
        admin = os.environ.get(variable)
        if not admin:
            continue
        url = admin.rsplit("/", 1)[0] + "/bench_reflection"
        kind, rest = url.split("://", 1)
        compare(name, url, f"{DRIVERS[kind]}://{rest}")


if __name__ == "__main__":
    main()
