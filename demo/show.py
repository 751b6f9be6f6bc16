"""Run the demo suite cold and warm, and say what happened and what it would have cost otherwise.

Uses a cache directory of its own, so that the first run is cold every time.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable


def run_suite(environment: dict[str, str]) -> tuple[float, list[str]]:
    """Run the suite with two workers; return its seconds and templatedb's own lines."""
    started = time.perf_counter()
    command = [PYTHON, "-m", "pytest", "-q", "-n", "2", "--rootdir", str(HERE), str(HERE)]
    done = subprocess.run(command, check=False, cwd=HERE, env=environment, capture_output=True, text=True)
    elapsed_s = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"The demo suite failed:\n{done.stdout}\n{done.stderr}")
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "= templatedb =" in line)
    return elapsed_s, [line for line in lines[start + 1 :] if not line.startswith("=")]


def plain_migration(folder: Path, environment: dict[str, str]) -> float:
    """Return the seconds of one plain ``alembic upgrade heads`` in a warm process, as a fixture would run it."""
    code = (
        "import os, time, sys\n"
        "from alembic import command\n"
        "from alembic.config import Config\n"
        "config = Config(sys.argv[1])\n"
        "times = []\n"
        "for path in sys.argv[2:]:\n"
        "    os.environ['DATABASE_URL'] = 'sqlite:///' + path\n"
        "    started = time.perf_counter()\n"
        "    command.upgrade(config, 'heads')\n"
        "    times.append(time.perf_counter() - started)\n"
        "print(min(times))\n"
    )
    ini = HERE.parent / "migrations" / "alembic.ini"
    paths = [str(folder / f"{number}.sqlite") for number in range(3)]
    done = subprocess.run(
        [PYTHON, "-c", code, str(ini), *paths], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Tell the story."""
    with tempfile.TemporaryDirectory(prefix="templatedb-demo-") as folder:
        cache = Path(folder, "cache")
        environment = {**os.environ, "TEMPLATEDB_CACHE_DIR": str(cache)}
        environment.pop("DATABASE_URL", None)
        print("migrations/ holds 20 Alembic revisions of an identity store; demo/ holds a suite of 26 tests.")
        print("Each test commits what it likes; none cleans up.\n")
        for title in ("cold: the cache is empty", "warm: the same again"):
            elapsed_s, lines = run_suite(environment)
            print(f"{title}   (pytest -n 2, {elapsed_s:.1f} s in all)")
            print("\n".join(f"    {line}" for line in lines), "\n")
        builds = len(list(cache.glob("v1/manifests/*/*.json")))
        each_s = plain_migration(Path(folder), environment)
        print(f"builds in both runs, counted in the cache: {builds}")
        print(f"a plain migration takes {each_s:.2f} s; once for each of 26 tests in two runs: {each_s * 52:.0f} s")


if __name__ == "__main__":
    main()
