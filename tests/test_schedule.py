"""Schedules: times, lines of a crontab as cron runs them, units of systemd, and what the command leaves alone."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.automation import crontab, systemd
from segmentation.automation.schedule import CHECK, FULL, Schedule
from segmentation.automation.times import next_times, times_of
from segmentation.cli import main
from segmentation.commands import passed_on, run
from segmentation.errors import ScheduleError

from .conftest import GOOD, HEADER

ROOT = Path(__file__).parents[1]
COLOMBO = ZoneInfo("Asia/Colombo")
# Wednesday.
NOW = datetime(2026, 11, 25, 23, 30, tzinfo=COLOMBO)
OTHERS = "# mine\nMAILTO=ann@example.org\n\n*/5 * * * *\tdate +\\%F  >> /tmp/x \n@daily caf\udce9\n"

# Text -> the next three times, as day and hour.
TIMES = {
    "0 */6 * * *": "26 00:00, 26 06:00, 26 12:00",
    "0 2 * * *": "26 02:00, 27 02:00, 28 02:00",
    "30 23 * * *": "25 23:30, 26 23:30, 27 23:30",
    "29-31 23 * * *": "25 23:30, 25 23:31, 26 23:29",
    "0 8-18/5 * * *": "26 08:00, 26 13:00, 26 18:00",
    "0,30 0 * * *": "26 00:00, 26 00:30, 27 00:00",
    "0 0 * * 0": "29 00:00, 06 00:00, 13 00:00",
    "0 0 * * 7": "29 00:00, 06 00:00, 13 00:00",
    "0 0 * * 5-7": "27 00:00, 28 00:00, 29 00:00",
    "0 0 * * MON-Tue": "30 00:00, 01 00:00, 07 00:00",
    "0 0 1 DEC-dec *": "01 00:00, 01 00:00, 01 00:00",
    # Both days given: one is enough; a step from the star on is none that is given.
    "0 0 28 * mon": "28 00:00, 30 00:00, 07 00:00",
    "0 0 */9 * sun": "10 00:00, 28 00:00, 28 00:00",
}
REFUSED = {
    "": "found 0 fields",
    "@daily": "found 1 fields",
    "0 2 * *": "found 4 fields",
    "0 2 * * * *": "found 6 fields",
    "60 * * * *": "the minute is '60', and goes from 0 to 59",
    "0 24 * * *": "the hour is '24', and goes from 0 to 23",
    "0 0 0 * *": "the day of the month is '0', and goes from 1 to 31",
    "0 0 * 13 *": "the month is '13'",
    "0 0 * * 8": "the day of the week is '8'",
    "0 0 * * last": "the day of the week is 'last'",
    "5/15 * * * *": "the minute is '5/15'",
    "*/0 * * * *": "the minute is '*/0'",
    "5-1 * * * *": "the minute is '5-1'",
    "1, * * * *": "the minute is ''",
    "\uff11 * * * *": "the minute is '\uff11'",
    "0 0 31 2 *": "it never comes",
}


@pytest.mark.parametrize("text", TIMES)
def test_next_times(text: str) -> None:
    assert ", ".join(f"{due:%d %H:%M}" for due in next_times(times_of(text), NOW)) == TIMES[text]


@pytest.mark.parametrize("text", REFUSED)
def test_times_that_cron_does_not_have_are_refused(text: str) -> None:
    with pytest.raises(ScheduleError, match=re.escape(REFUSED[text])):
        next_times(times_of(text), NOW)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd")
@pytest.mark.parametrize("text", TIMES)
def test_systemd_has_the_same_times(text: str) -> None:
    calendars = list(systemd.on_calendar(times_of(text)))
    command = ["systemd-analyze", "calendar", "--iterations=4", "--base-time=2026-11-25 23:29:59", *calendars]
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = sorted(re.findall(r"(?:elapse|Iter\. #\d): \w+ (\S+ \S+)", said))
    utc = next_times(times_of(text), NOW.replace(tzinfo=ZoneInfo("UTC")))
    assert found[:3] == [f"{due:%Y-%m-%d %H:%M:%S}" for due in utc]


def test_without_apscheduler_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apscheduler.triggers.cron", None)
    with pytest.raises(ScheduleError, match=re.escape("pip install 'customer-segmentation[automation]'")):
        next_times(times_of(CHECK))


def by_cron(command: str, keeps_two: bool) -> str:
    r"""What cron hands to the shell: to the first bare `%`; some crons make `\\` one backslash, others keep it."""
    found = re.match(r"(?:\\.|[^\\%]|\\$)*", command)
    assert found
    return re.sub(r"\\([\\%])", lambda mark: mark[0] if mark[1] == "\\" and keeps_two else mark[1], found[0])


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.sampled_from("a \\%'\"$`#;*~!é"), max_size=8), min_size=1, max_size=8), st.booleans())
def test_any_word_comes_through_cron_and_the_shell(words: list[str], keeps_two: bool) -> None:
    line = "printf '\\%s\\0' " + " ".join(map(crontab.quoted, words))
    done = subprocess.run(["/bin/sh", "-c", by_cron(line, keeps_two)], env={}, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words


def schedule(output: str = "/data/out 1", check: str = CHECK, **other: object) -> Schedule:
    given = {
        "folder": "/home/ann",
        "python": "/opt/my env/bin/python",
        "options": ("--csv-path", "/data/100%.csv", "--output-dir", output),
        "log": f"{output}/segmentation_cron.log",
        "environment": None,
        "minutes": Decimal("119.5"),
        **other,
    }
    return Schedule(output=output, check=times_of(check), full=times_of(FULL), **given)  # type: ignore[arg-type]


def test_a_block_is_written_once_replaced_in_its_place_and_removed() -> None:
    one, other = schedule(), schedule("/data/out")
    first = crontab.with_block(OTHERS, one)
    assert first.startswith(OTHERS)
    assert crontab.with_block(first, one) == first
    both = crontab.with_block(first, other) + "# below\n"
    assert list(crontab.blocks(both)) == ["/data/out 1", "/data/out"]
    changed = crontab.with_block(both, schedule(check="15 * * * *"))
    assert changed == both.replace("0 */6 * * * log='/data/out 1/", "15 * * * * log='/data/out 1/")
    assert changed.count("15 * * * *") == 1
    assert crontab.without_block(both, "/data/out 1") == crontab.with_block(OTHERS, other) + "# below\n"
    assert crontab.without_block(crontab.without_block(both, "/data/out 1"), "/data/out") == OTHERS + "# below\n"
    assert crontab.without_block(OTHERS, "/data/out") == OTHERS


def test_a_last_line_without_an_end_stays_a_line_of_its_own() -> None:
    assert crontab.with_block("1 1 * * * true", schedule()).startswith(
        "1 1 * * * true\n# segmentation schedule begin: "
    )
    assert crontab.without_block(crontab.with_block("", schedule()), "/data/out 1") == ""


OTHER_BLOCK = f"{crontab.BEGIN}/data/other\n{crontab.END}/data/other\n"


@pytest.mark.parametrize("rest", ["0 0 * * * mine\n", f"{OTHER_BLOCK}{crontab.END}/data/out 1\n"])
def test_a_block_without_its_end_is_left_alone(rest: str) -> None:
    broken = f"{crontab.BEGIN}/data/out 1\n{rest}"
    with pytest.raises(ScheduleError, match="mend it with crontab -e"):
        crontab.with_block(broken, schedule())


@pytest.mark.parametrize("what", ["output", "folder", "python", "log", "environment"])
def test_what_no_line_can_hold_is_refused(what: str) -> None:
    with pytest.raises(ScheduleError, match=r"'/a\\nb' has a line break"):
        schedule(**{what: "/a\nb"})
    with pytest.raises(ScheduleError, match="has a line break"):
        schedule(options=("--csv-path", "/a\rb"))


def test_units_say_what_a_schedule_means() -> None:
    units = systemd.units(schedule("/data/100% $HOME", environment="/etc/se cret"))
    stem = systemd.stem_of("/data/100% $HOME")
    assert sorted(units) == [
        f"{stem}-{name}" for name in ("check.service", "check.timer", "full.service", "full.timer")
    ]
    assert re.fullmatch(r"segmentation-100-HOME-[0-9a-f]{8}", stem)
    check, full = (units[f"{stem}-{name}.service"].splitlines() for name in ("check", "full"))
    assert (
        'ExecStart=:"/opt/my env/bin/python" "-m" "segmentation.cli" "run" "--check-freshness" "--trigger" "systemd" '
        '"--csv-path" "/data/100%%.csv" "--output-dir" "/data/100%% $HOME"'
    ) in check
    expected = [
        "Type=oneshot",
        "WorkingDirectory=/home/ann",
        "EnvironmentFile=/etc/se cret",
        "SuccessExitStatus=5",
        "TimeoutStartSec=130min",
        "StandardOutput=append:/data/100%% $HOME/segmentation_cron.log",
    ]
    for service in (check, full):
        assert [line for line in service if line in expected] == expected
    assert f"After={stem}-check.service" in full
    assert "TimeoutStartSec=infinity" in "".join(systemd.units(schedule(minutes=None)).values())
    assert not [line for line in check if line.startswith("After=")]
    assert '"--force"' in "".join(full)
    timer = units[f"{stem}-check.timer"].splitlines()
    for line in ("OnCalendar=*-*-* 00,06,12,18:00:00", "Persistent=true", "WantedBy=timers.target"):
        assert line in timer
    assert "OnCalendar=*-*-* 02:00:00" in units[f"{stem}-full.timer"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    home = tmp_path / "a $HOME \"of\" 100% 'ours'"
    home.mkdir()
    python = tmp_path / "$HOME 100%"
    python.symlink_to(sys.executable)
    one = schedule(str(home / "out"), folder=str(home), python=str(python), environment=str(home / "env"))
    assert verified(systemd.units(one), tmp_path) == ""
    none = systemd.units(schedule(str(home / "out"), python=str(tmp_path / "no python")))
    assert "is not executable" in verified(none, tmp_path)


def test_an_interpreter_that_systemd_cannot_start_is_refused() -> None:
    with pytest.raises(ScheduleError, match="no program with a quote"):
        systemd.units(schedule(python="/home/ann's/python"))


def verified(units: dict[str, str], folder: Path) -> str:
    for name, content in units.items():
        (folder / name).write_text(content)
    command = ["systemd-analyze", "--user", "verify", *(str(folder / name) for name in units)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stderr


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    run.add_options(made)
    return made


def test_options_of_a_run_are_passed_on() -> None:
    words = (
        "--source table --csv-path a --csv-path b --table t --engine spark --input e=f --config c "
        "--output-dir o --as-of today --mode full --check-freshness --force --fresh-exit-code 3 --accept-shift --json "
        "--trigger me --dry-run --log-level ERROR"
    )
    options = parser().parse_args(words.split())
    assert parser().parse_args(list(passed_on.passed_on(options, {}, ()))) == options
    absolute = list(passed_on.passed_on(options, {"csv_path": ["/a b"], "output_dir": "/o"}, ["force", "dry_run"]))
    expected = [*words.split()]
    expected[2:6], expected[expected.index("o")] = ["--csv-path", "/a b"], "/o"
    assert absolute == [word for word in expected if word not in ("--force", "--dry-run")]
    assert list(passed_on.passed_on(parser().parse_args([]), {}, ())) == []


# A stand-in for crontab: keeps the text in a file, and says what cron's own says where there is none.
STAND_IN = """#!/bin/sh
case "$1" in
-l) [ -f {store} ] && exec cat {store}; echo "no crontab for ann" >&2; exit 1 ;;
-r) exec rm {store} ;;
-) exec cat > {store} ;;
esac
exit 2
"""
NOT_ALLOWED = """#!/bin/sh
[ "$1" = "-l" ] || exec cat > {store}
echo "You (ann) are not allowed to use this program (crontab)" >&2
exit 1
"""
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a blank and a `%` in its name, one file of purchases, and nothing of this machine's schedules."""
    here = tmp_path / "home of 100% Ann's"
    here.mkdir()
    (here / "purchases.csv").write_text(HEADER + GOOD)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cat", "rm", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # Where the package is found: cron goes where the schedule was installed, and there it is not.
    monkeypatch.chdir(here)
    (here / "segmentation").symlink_to(ROOT / "segmentation")
    return here


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Path:
    """The file of a stand-in for crontab."""
    store = tmp_path / "crontab text"
    program(tmp_path / "bin/crontab", STAND_IN.format(store=shlex.quote(str(store))))
    return store


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """The command: exit code, stdout, stderr."""

    def said(*words: str) -> tuple[int, str, str]:
        code = main(["schedule", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


def cron(line: str) -> subprocess.CompletedProcess[str]:
    """A line as cron runs it: nothing in the environment, `sh`, its own idea of `%`."""
    command = by_cron(line.split(" ", 5)[5], keeps_two=True)
    there = ["/usr/bin/env", "-i", "HOME=/", "PATH=/usr/bin:/bin", "/bin/sh", "-c", command]
    return subprocess.run(there, cwd="/", capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_installed_twice_shown_and_removed(store: Path, home: Path, say: Say) -> None:
    store.write_text(OTHERS, errors="surrogateescape")
    words = ("install", "--csv-path", "purchases.csv", "--output-dir", "out", "--mode", "incremental")
    code, said, _ = say(*words, "--check", "0  */2 * * *")
    once = store.read_bytes()
    assert (code, once.startswith(OTHERS.encode(errors="surrogateescape"))) == (0, True)
    assert f"Written to the crontab: {home}/out" in said
    code, said, _ = say(*words, "--check", "0 */2 * * *")
    assert (code, store.read_bytes()) == (0, once)
    assert "has this schedule already" in said
    (home / "own.yaml").write_text("inputs: {events: {path: x, columns: {a: {}}}}")
    second = ("--output-dir", "second", "--config", "own.yaml", "--input", "events=seen.csv")
    assert say("install", "--csv-path", "purchases.csv", *second)[0] == 0
    other = crontab.blocks(store.read_text(errors="surrogateescape"))[f"{home}/second"]
    assert all(f" --input {crontab.quoted(f'events={home}/seen.csv')} " in line for line in other)

    lines = crontab.blocks(store.read_text(errors="surrogateescape"))[f"{home}/out"]
    assert [line[:12] for line in lines] == ["0 */2 * * * ", "0 2 * * * lo"]
    for line in lines:
        assert f" && cd {crontab.quoted(str(home))} && " in line
        assert f" --csv-path {crontab.quoted(str(home / 'purchases.csv'))} " in line
    code, said, _ = say("show")
    assert [line for line in said.splitlines() if line.startswith("In the")] == [
        f"In the crontab, for {home}/{name}:" for name in ("out", "second")
    ]
    due = next_times(times_of("0 */2 * * *"))
    assert f"  0 */2 * * *\n    next: {due[0]:%a %Y-%m-%d %H:%M}" in said
    assert all(f"    {line.split(' ', 5)[5]}" in said for line in lines)
    assert "/second" not in say("show", "--output-dir", "out")[1]

    assert say("remove", "--output-dir", "out")[0] == 0
    assert f"Those that are: {home}/second." in say("remove", "--output-dir", "out")[1]
    assert say("remove", "--output-dir", "second")[0] == 0
    assert store.read_text(errors="surrogateescape") == OTHERS
    assert say("show")[1] == "No schedule is installed.\n"


@pytest.mark.slow
def test_what_nothing_was_in_is_nothing_again(store: Path, say: Say) -> None:
    assert say("install", "--output-dir", "out")[0] == 0
    assert store.exists()
    say("remove", "--output-dir", "out")
    assert not store.exists()


@pytest.mark.slow
def test_lines_run_as_cron_runs_them(store: Path, home: Path, say: Say, tmp_path: Path) -> None:
    # The embedded engine publishes to no path with a `%`.
    out, log = tmp_path / "an output", tmp_path / "an output/segmentation_cron.log"
    (home / "own.yaml").write_text("output_filename: own.json\n")
    words = ("--csv-path", "purch*.csv", "--output-dir", str(out), "--engine", "embedded", "--config", "own.yaml")
    assert say("install", *words)[0] == 0
    check, full = crontab.blocks(store.read_text())[str(out)]

    shutil.rmtree(out)
    done = cron(check)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), log.read_text()
    assert (out / "own.json").exists()
    written = (out / "own.json").stat().st_mtime_ns
    assert cron(check).returncode == 0
    assert log.read_text().count("Nothing to do") == 1
    assert (out / "own.json").stat().st_mtime_ns == written
    done = cron(full)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.read_text().count("2 customers as of") == 2

    # Another run at work is no failure, and says so in the log.
    with FileLock(out / ".segmentation.lock"):
        done = cron(full)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.read_text().count("Another run holds") == 1

    # A failure is one, and one sentence for cron to mail.
    (home / "purchases.csv").unlink()
    done = cron(full)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"segmentation: exit code 3, see {log}\n"
    assert "No data found" in log.read_text()


@pytest.mark.slow
def test_secrets_come_from_a_file(
    store: Path, home: Path, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "own.yaml").write_text("output_filename: ${NAME}.json\n")
    monkeypatch.setenv("NAME", "of this shell")
    words = ("install", "--csv-path", "purchases.csv", "--config", "own.yaml", "--output-dir", "../out")
    code, _, said = say(*words)
    assert (code, "NAME is not set" in said, "--env-file" in said, store.exists()) == (2, True, True, False)
    assert not (tmp_path / "out").exists()
    code, _, said = say(*words, "--env-file", "no such")
    assert (code, "found none at no such" in said) == (2, True)
    (home / "my secrets").write_text("# a comment\nNAME='of the file'\n")
    assert say(*words, "--env-file", "my secrets")[0] == 0
    check, _ = crontab.blocks(store.read_text())[f"{tmp_path}/out"]
    assert cron(check).returncode == 0, (tmp_path / "out/segmentation_cron.log").read_text()
    assert (tmp_path / "out/of the file.json").exists()


REFUSALS = {
    "times": (["--check", "0 25 * * *"], "the hour is '25'"),
    "never": (["--full", "0 0 30 2 *"], "it never comes"),
    "force": (["--force"], "--force cannot be scheduled"),
    "dry run": (["--dry-run"], "--dry-run cannot be scheduled"),
    "config": (["--config", "/no/such.yaml"], "/no/such.yaml cannot be read"),
    "as of": (["--as-of", "yesterday"], "as_of: expected"),
    "mongodb": (["--source", "mongodb"], "--source mongodb needs to know where"),
    "output in input": (["--csv-path", "."], "lies inside the input"),
    "output elsewhere": (["--output-dir", "s3a://bucket/out"], "name it with --log FILE"),
    "line break": (["--csv-path", "a\nb"], "has a line break"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_work_is_refused_before_anything_is_written(case: str, store: Path, home: Path, say: Say) -> None:
    words, message = REFUSALS[case]
    for way in ([], ["--systemd"], ["--print"]):
        code, _, said = say("install", "--output-dir", "out", *words, *way)
        assert (code, message in said) == (2, True), said
    assert not store.exists()
    assert not (home / "out").exists()


def test_an_output_elsewhere_has_its_log_where_it_is_told(store: Path, home: Path, say: Say) -> None:
    code, said, _ = say("install", "--print", "--output-dir", "s3a://bucket/out", "--log", "cron.log")
    assert (code, "--output-dir s3a://bucket/out" in said, "/cron.log'" in said) == (0, True, True)


def test_print_writes_nothing(home: Path, say: Say) -> None:
    code, said, _ = say("install", "--print", "--output-dir", "out")
    lines = said.splitlines()
    assert (code, len(lines)) == (0, 4)
    assert (lines[0], lines[3]) == (f"{crontab.BEGIN}{home}/out", f"{crontab.END}{home}/out")
    code, said, _ = say("install", "--print", "--systemd", "--output-dir", "out")
    assert (code, said.count("[Service]"), said.count("[Timer]")) == (0, 2, 2)
    assert not (home / "out").exists()


@pytest.mark.slow
def test_without_the_program_there_are_the_lines_to_copy(home: Path, say: Say) -> None:
    code, _, said = say("install", "--output-dir", "out")
    assert code == 2
    assert "No program crontab is here, so nothing was installed. Install one (Debian, Ubuntu: apt-get" in said
    printed = say("install", "--output-dir", "out", "--print")[1]
    assert printed in said
    assert say("show")[:2] == (0, "No schedule is installed.\n")


@pytest.mark.slow
def test_a_crontab_that_cannot_be_read_is_not_written(home: Path, say: Say, tmp_path: Path) -> None:
    program(tmp_path / "bin/crontab", NOT_ALLOWED.format(store=shlex.quote(str(tmp_path / "written"))))
    code, _, said = say("install", "--output-dir", "out")
    assert (code, "not allowed to use this program" in said, "stays as it was" in said) == (2, True, True)
    assert not (tmp_path / "written").exists()


@pytest.mark.slow
def test_units_are_installed_shown_and_removed(home: Path, say: Say, tmp_path: Path) -> None:
    told = tmp_path / "told"
    words = ("install", "--systemd", "--csv-path", "purchases.csv", "--output-dir", "out")
    code, said, _ = say(*words)
    timers = [f"{systemd.stem_of(f'{home}/out')}-{name}.timer" for name in ("check", "full")]
    assert (code, said.count("To do yet, as it did not work here (systemctl is not here): systemctl")) == (0, 2)
    program(tmp_path / "bin/systemctl", f'#!/bin/sh\necho "$@" >> {shlex.quote(str(told))}\n')
    assert say(*words)[0] == 0
    assert told.read_text().splitlines() == ["--user daemon-reload", f"--user enable --now {' '.join(timers)}"]
    folder = tmp_path / "config/systemd/user"
    assert len(list(folder.iterdir())) == 4
    (folder / "segmentation-mine.timer").write_text("[Timer]\n")
    code, said, _ = say("show", "--output-dir", "out")
    assert all(f"{timer} of systemd, for {home}/out:" in said for timer in timers)
    assert "  0 */6 * * *\n    next: " in said
    assert "segmentation-mine" not in say("show")[1]
    assert say("remove", "--output-dir", "out")[0] == 0
    assert [file.name for file in folder.iterdir()] == ["segmentation-mine.timer"]
    assert told.read_text().splitlines()[2:] == [f"--user disable --now {' '.join(timers)}", "--user daemon-reload"]


def own_crontab() -> str | None:
    """The crontab of whoever runs the tests; None without the program."""
    if shutil.which("crontab") is None:
        return None
    return subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
@pytest.mark.skipif(own_crontab() is None, reason="needs a real crontab: apt-get install cron")
@pytest.mark.skipif(bool(own_crontab()), reason="the crontab of this user is in use, and tests leave it alone")
def test_a_real_crontab_takes_the_lines(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        command = [sys.executable, "-m", "segmentation.cli", "schedule", *words, "--output-dir", str(tmp_path / "o 1%")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    try:
        said("install")
        once = own_crontab()
        assert "already" in said("install")
        assert own_crontab() == once == said("install", "--print")
    finally:
        said("remove")
    assert own_crontab() == ""
