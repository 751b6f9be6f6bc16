"""The table of cases: what may go wrong for users, and the tests that do it for real.

Read by ``test_acceptance.py``; ``python -m tests.acceptance --write`` writes ``docs/explanation/cases.md`` from it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "cases.md"


class Case(NamedTuple):
    """One case: its stable id, what happens and what is promised, and its tests or why there are none."""

    id: str
    text: str
    tests: tuple[str, ...] = ()
    """Node ids below ``tests/``; a file or folder alone stands for all that is in it."""
    reason: str = ""
    """Why it does not apply, or what is left out."""


_REMOTE = "There is no remote store: CI systems save and restore the folder."
_WINDOWS = "Windows is not supported yet."

_G, _P, _B, _K = "test_golden.py::test_", "test_plugin.py::test_", "test_build.py::test_", "test_key.py::test_"
_HP, _HS, _HF = "test_hygiene_processes.py::test_", "test_hygiene_signals.py::test_", "test_hygiene_fakes.py::test_"
_HM = "test_hygiene_many.py::test_"
_HL, _HO = "test_hygiene_places.py::test_", "test_hygiene_paths.py::test_"
_INVALIDATION = "test_invalidation.py::test_a_change_that_decides_"
_TC, _TS = "torture/test_torture_crowds.py::test_", "torture/test_torture_sweeps.py::test_"
_R = "test_prune.py::test_"

CASES = (
    Case(
        "AC-01",
        "Many workers on a cold cache: one build, one line, all green",
        (
            f"{_P}four_workers_cold_build_once_and_warm_never_import_alembic",
            f"{_G}processes_that_ask_at_once_share_one_build",
        ),
    ),
    Case(
        "AC-02",
        "A migration edited within the same second, with its size and time as before: built again",
        (
            f"{_K}a_same_size_edit_with_its_time_put_back_changes_the_key",
            "test_digests.py::test_a_same_size_edit_with_its_time_put_back_is_seen",
            "test_invalidation.py::test_an_edit_in_disguise_runs_the_new_code",
        ),
    ),
    Case(
        "AC-03",
        "A module or data file that a migration reads is edited: built again; any other file: a hit",
        (
            f"{_INVALIDATION}builds_again_and_is_named",
            f"{_INVALIDATION}nothing_is_a_hit",
            f"{_K}a_change_beside_the_inputs_keeps_the_key",
        ),
    ),
    Case(
        "AC-04",
        "A failing migration under many workers: tried once, told once, nothing published",
        (
            f"{_P}a_failing_migration_is_tried_once_and_reported_once",
            f"{_G}processes_that_wait_for_a_failing_build_do_not_repeat_it",
        ),
    ),
    Case(
        "AC-05",
        "Ctrl-C, once or twice, during a build or during tests: the prompt is back, no process is left",
        (
            f"{_HS}ctrl_c_during_a_build_gives_the_prompt_back",
            f"{_HS}ctrl_c_during_tests_says_what_was_done_and_leaves_nothing",
            f"{_B}no_process_of_ours_outlives_the_command",
        ),
    ),
    Case(
        "AC-06",
        "An env.py that sets logging up, and worse: results and the state of the process are the same cold and warm",
        (
            "test_parity.py::test_a_suite_on_a_cold_and_on_a_warm_cache_is_the_same",
            "test_parity.py::test_a_worker_sees_what_a_process_of_its_own_sees_whether_cold_or_warm",
        ),
    ),
    Case(
        "AC-07",
        "A test dies with a WAL, a journal or a transaction open: the next database is the golden",
        (
            "test_in_place.py::test_the_wal_of_a_killed_process_is_no_trap",
            "test_in_place.py::test_the_journal_of_a_killed_process_is_rolled_back_and_gone",
            "test_in_place.py::test_an_open_transaction_is_ended_and_reported",
            "test_rewind.py::test_a_process_killed_inside_a_transaction_leaves_nothing",
        ),
    ),
    Case(
        "AC-08",
        "An env.py that insists on another database: refused before it is touched, with the remedy",
        (f"{_B}another_database_is_refused_before_it_is_touched", f"{_B}an_outgoing_connection_is_refused_and_told"),
    ),
    Case(
        "AC-09",
        "A CI job is cancelled during a build and the cache is saved: the next job is right and cleans up",
        (f"{_HS}a_cancelled_job_leaves_a_cache_that_can_be_saved_and_restored",),
    ),
    Case("AC-10", "Branch A, B and A again: the second visit is a hit", (f"{_G}branches_a_b_a_build_twice",)),
    Case(
        "AC-11",
        "Thousands of tests with a golden of megabytes: room for the databases in use and the failed ones, no more",
        (
            f"{_TC}descriptors_memory_and_disk_do_not_grow_with_the_number_of_clones",
            f"{_P}a_clone_of_a_passing_test_is_gone_after_it",
        ),
    ),
    Case(
        "AC-12",
        "A restored cache with new inodes, old times or another owner: right, a hit where it can be trusted",
        (
            f"{_HS}a_cancelled_job_leaves_a_cache_that_can_be_saved_and_restored",
            "test_ci.py::test_a_job_builds_once_and_then_hits_until_what_decides_the_database_changes",
            "test_cache.py::test_only_a_regular_file_of_ours_is_opened",
            "test_other_users.py::test_a_cache_that_is_not_to_be_trusted_is_not_used",
        ),
    ),
    Case(
        "AC-13",
        "HOME missing, a file, read-only or the root folder; a relative XDG folder: green, one line, no odd folder",
        (
            f"{_HL}a_home_that_is_of_no_use_costs_one_line",
            f"{_HL}a_home_that_does_not_exist_yet_is_made",
            f"{_HL}a_relative_xdg_folder_makes_no_folder_in_the_project",
            f"{_HL}a_read_only_home_costs_one_line",
            f"{_HL}the_root_folder_as_home_costs_one_line_when_it_cannot_be_written",
            "test_cache.py::test_without_a_home_there_is_no_directory_called_tilde",
        ),
    ),
    Case(
        "AC-14",
        "The disk is full at any write: a private build or a clear message, nothing half done",
        (
            f"{_TC}a_filesystem_without_room_costs_a_private_build_or_a_message",
            f"{_TC}without_room_for_clones_the_message_names_where",
            f"{_TS}a_failing_system_call_costs_a_private_build_or_a_message_that_names_the_place",
            f"{_G}a_full_disk_under_the_cache_costs_a_private_build",
            "test_place.py::test_a_whole_run_goes_on_when_the_storage_is_full",
        ),
    ),
    Case(
        "AC-15",
        "A build longer than the timeout of a test: no test fails for it",
        (f"{_HS}no_timeout_of_a_test_counts_the_build", f"{_P}no_test_timeout_counts_a_build"),
    ),
    Case(
        "AC-16",
        "Two sessions of one suite at once, as from an IDE and a terminal: one build, both green",
        (
            f"{_G}processes_that_ask_at_once_share_one_build",
            f"{_P}a_run_that_waits_for_another_says_for_whom_and_goes_on",
        ),
    ),
    Case(
        "AC-17",
        "A connection that a test left open: no error at the end, no warning of ours",
        (f"{_P}a_test_that_leaves_everything_open_causes_no_warning_and_no_harm",),
        f"{_WINDOWS} The rest holds everywhere.",
    ),
    Case(
        "AC-18",
        "A test writes into the golden, though it is read-only: later tests do not see it, and the test is named",
        (
            "test_changed_golden.py::test_a_golden_that_a_test_writes_into_is_built_again_and_the_test_named",
            f"{_G}the_golden_is_read_only_and_named_by_its_digest",
            f"{_G}a_remembered_golden_that_is_damaged_with_its_time_put_back_is_seen",
        ),
    ),
    Case(
        "AC-19",
        "Migrations that store random values or the time: they work, and `verify` names the columns",
        ("test_explain.py::test_verify_names_what_is_not_reproducible",),
    ),
    Case("AC-20", "Two releases on one folder at once: both right", (f"{_TC}two_releases_share_a_cache",)),
    Case(
        "AC-21",
        "`prune` again and again while workers run: nobody notices",
        (f"{_R}prune_all_in_a_loop_beside_a_run_fails_no_test",),
    ),
    Case(
        "AC-22",
        "Coverage of migration files is the same cold and warm: none, for a build has no variables of coverage",
        (f"{_B}home_is_empty_and_the_environment_is_the_projects",),
    ),
    Case(
        "AC-23",
        "Another Python, SQLite or library: another key, and both goldens stay",
        (
            f"{_INVALIDATION}builds_again_and_is_named",
            "test_explain.py::test_only_versions_are_told_to_be_only_versions",
        ),
    ),
    Case(
        "AC-24",
        "A golden cut, zeroed, emptied, exchanged or with one bit turned, a manifest of garbage: seen and mended",
        (
            f"{_TC}every_damage_to_a_golden_is_seen",
            f"{_TC}damaged_goldens_and_manifests_are_healed",
            f"{_G}a_damaged_golden_is_never_used",
            f"{_G}a_damaged_manifest_is_a_miss",
        ),
    ),
    Case(
        "AC-25",
        "Pragmas of the file, sequences, schema and rows are those of a migration without us",
        (
            "test_clone.py::test_what_a_file_stores_beside_tables_is_cloned",
            "test_clone.py::test_all_kinds_agree_with_a_migration_of_ones_own",
        ),
    ),
    Case(
        "AC-26",
        "The holder of the lock hangs: the waiter says for whom it waits, and builds privately in the end",
        (
            f"{_TC}a_builder_that_is_stopped_keeps_nobody_waiting_and_may_go_on",
            "test_lock.py::test_a_stopped_holder_still_excludes_and_the_wait_is_bounded",
            f"{_P}a_run_that_waits_for_another_says_for_whom_and_goes_on",
            f"{_HF}a_clock_that_stands_still_does_not_make_a_lock_wait_for_ever",
        ),
    ),
    Case(
        "AC-27",
        "A lock that does not lock: more builds, right answers",
        (
            f"{_TC}with_a_lock_that_does_not_lock_all_are_right",
            f"{_G}with_a_lock_that_does_not_lock_there_are_more_builds_and_right_answers",
        ),
    ),
    Case(
        "AC-28",
        "Two clients of a network file system",
        (),
        "Needs two mounts; a lock that does not lock stands for it (AC-27).",
    ),
    Case(
        "AC-29",
        "Paths of up to 600 bytes: they work, or our message says how long they are",
        (f"{_HO}long_paths_work_or_say_that_they_are_too_long", f"{_HO}a_long_path_of_a_clone_in_the_library_is_told"),
    ),
    Case(
        "AC-30",
        "Databases in memory are never shared by two tests or two threads that did not ask for it",
        (
            "test_memory.py::test_two_that_are_lent_at_once_have_two_names",
            "test_memory.py::test_without_reuse_a_name_is_never_lent_again",
            f"{_P}in_memory_by_marker_option_or_setting",
        ),
    ),
    Case("AC-31", "A poisoned golden in a store that many write to", (), _REMOTE),
    Case(
        "AC-32",
        "The cache or what is in it is a link, a pipe, or open to others: refused, never followed, never waited for",
        (
            "test_cache.py::test_a_directory_open_to_others_is_refused",
            "test_cache.py::test_a_link_in_its_place_is_refused",
            "test_cache.py::test_only_a_regular_file_of_ours_is_opened",
            "test_lock.py::test_a_link_in_the_place_of_the_lock_is_refused",
            f"{_G}a_cache_that_cannot_be_used_costs_a_private_build_and_one_line",
        ),
    ),
    Case("AC-33", "A remote store that is down, slow or lies", (), _REMOTE),
    Case("AC-34", "No credentials for a remote store", (), _REMOTE),
    Case(
        "AC-35",
        "A worker is killed: its replacement is green, and what it left is removed",
        (
            f"{_HP}a_worker_that_dies_inside_a_transaction_is_replaced_and_its_files_are_reaped",
            f"{_HP}a_run_that_dies_in_a_test_leaves_nothing_that_the_next_one_minds",
            f"{_P}a_crashed_worker_is_replaced_and_the_rest_passes",
        ),
    ),
    Case(
        "AC-36",
        "Killed during a build: the builder goes within two seconds, and the lock is free",
        (
            f"{_B}no_process_of_ours_outlives_the_command",
            f"{_B}what_a_migration_started_ends_with_a_killed_command",
            "test_lock.py::test_a_killed_holder_lets_go",
        ),
    ),
    Case(
        "AC-37",
        "The whole cache is deleted while tests run: green",
        (
            f"{_HL}the_cache_may_be_deleted_while_tests_run",
            f"{_G}deleting_the_whole_cache_under_an_open_golden_hurts_nobody",
        ),
    ),
    Case(
        "AC-38",
        "A test or a migration forks: the child has no lock and no database of its parent",
        (
            f"{_HP}a_test_that_forks_keeps_its_database_and_its_child_gets_one_of_its_own",
            f"{_HP}a_migration_that_forks_ends_and_its_child_does_not_hold_the_lock",
            f"{_HP}a_process_for_each_test_gets_a_database_for_each_and_leaves_none",
            "test_lock.py::test_a_forked_child_that_lives_on_does_not_hold_the_lock",
        ),
    ),
    Case(
        "AC-38b",
        "A migration starts a daemon: the build ends, and the lock is free",
        (
            f"{_HP}a_daemon_that_a_migration_starts_holds_neither_lock_nor_build",
            "test_migrators.py::test_a_command_that_leaves_a_process_behind_cannot_write_later",
        ),
    ),
    Case(
        "AC-38c",
        "The clock is a year off, files are of the future: no wrong hit, nothing is pruned wrongly",
        (
            f"{_R}a_clock_that_jumps_costs_no_fresh_golden_and_keeps_the_cap",
            f"{_HF}a_clock_that_stands_still_dates_no_golden_and_costs_no_clone",
            "test_digests.py::test_a_young_file_is_read_every_time",
        ),
    ),
    Case(
        "AC-39",
        "32 threads: one build, 32 databases",
        (f"{_HM}thirty_two_threads_share_one_build_and_get_a_database_each",),
        "Not tried on a build of Python without the global lock.",
    ),
    Case(
        "AC-40",
        "A cache that a group may write to is refused",
        ("test_cache.py::test_a_directory_open_to_others_is_refused",),
    ),
    Case(
        "AC-41",
        "Folders with spaces, quotes, `#`, `?`, `%41`, a newline, emoji: the right database is opened",
        (
            f"{_HO}odd_names_of_project_cache_and_temporary_folder",
            f"{_HO}a_project_in_a_folder_with_an_odd_name_passes_with_workers",
            f"{_B}odd_folder_names_are_survived_by_project_and_cache",
        ),
    ),
    Case("AC-42", "Signatures of a remote store", (), _REMOTE),
    Case("AC-43", "Objects of a remote store that are larger than they say", (), _REMOTE),
    Case(
        "AC-44",
        "Hundreds of goldens: the limit holds, the oldest go, those in use stay",
        (f"{_R}of_two_hundred_goldens_those_used_least_recently_go_and_the_cap_holds",),
    ),
    Case(
        "AC-45",
        "The disk has no names left",
        (
            f"{_TC}a_filesystem_without_room_costs_a_private_build_or_a_message",
            "test_place.py::test_no_room_for_another_file_is_the_same",
        ),
    ),
    Case(
        "AC-46",
        "The quota is used up",
        (f"{_TS}a_failing_system_call_costs_a_private_build_or_a_message_that_names_the_place",),
    ),
    Case(
        "AC-47",
        "64 descriptors and a thousand tests: their number stays the same",
        (
            f"{_HM}a_thousand_tests_run_with_sixty_four_descriptors",
            "test_clone.py::test_descriptors_stay_constant_over_many_clones",
            "test_in_place.py::test_descriptors_stay_constant_over_many_restores",
        ),
    ),
    Case(
        "AC-48",
        "Storage in memory has no room: on disk from there on, said once",
        (
            "test_place.py::test_without_room_the_disk_is_taken_and_that_is_said_once",
            "test_place.py::test_storage_that_is_full_is_left_and_that_is_said_once",
            f"{_P}a_small_dev_shm_is_not_used_and_that_is_in_the_summary",
        ),
    ),
    Case(
        "AC-49",
        "A migration asks for the golden: an error, no deadlock",
        (f"{_B}a_migration_that_asks_for_a_golden_gets_an_error_not_a_deadlock",),
    ),
    Case(
        "AC-50",
        "A revision unknown, renamed, deleted, added; byte code without its source: the sources decide",
        (
            f"{_INVALIDATION}builds_again_and_is_named",
            f"{_INVALIDATION}nothing_is_a_hit",
            f"{_B}an_unknown_target_names_the_setting",
        ),
    ),
    Case(
        "AC-51",
        "`--collect-only`, `--help`, `-k none`: nothing is built, no folder is made",
        (f"{_P}nothing_is_built_or_made_when_no_test_runs", f"{_P}nothing_is_built_when_collection_fails"),
    ),
    Case(
        "AC-52",
        "A test paused in the debugger blocks no other session",
        (f"{_HS}a_test_that_is_paused_in_the_debugger_blocks_no_other_session",),
    ),
    Case(
        "AC-53",
        "The holder of the lock is stopped and goes on later: no harm",
        (
            f"{_TC}a_builder_that_is_stopped_keeps_nobody_waiting_and_may_go_on",
            "test_lock.py::test_a_stopped_holder_still_excludes_and_the_wait_is_bounded",
        ),
    ),
    Case(
        "AC-54",
        "Hash seed, time zone, locale, working directory and user name: the same key",
        (f"{_K}the_same_checkout_has_the_same_key_everywhere", f"{_INVALIDATION}nothing_is_a_hit"),
    ),
    Case("AC-55", "A virus scanner holds a file", (), _WINDOWS),
    Case(
        "AC-56",
        "Cache and temporary folder on two file systems: published all the same",
        (f"{_HL}cache_and_temporary_folder_may_be_on_two_file_systems",),
    ),
    Case(
        "AC-57",
        "Migrations that store a path or the host's name: `verify` names the columns",
        ("test_explain.py::test_verify_names_what_only_this_machine_has",),
    ),
    Case(
        "AC-58",
        "Inputs edited during the build: not published, and said",
        (
            f"{_G}inputs_edited_during_the_build_are_not_published",
            "test_discovered.py::test_an_input_that_is_edited_during_the_build_is_not_published",
            "test_discovered.py::test_a_declared_input_edited_and_put_back_is_not_published",
        ),
    ),
    Case(
        "AC-59",
        "A read-only cache in an image: hits, without a write and without a warning",
        (
            f"{_TC}a_hit_on_a_baked_cache_changes_nothing_in_it",
            f"{_R}a_hit_in_a_read_only_cache_tries_to_write_nothing",
            "test_other_users.py::test_another_user_finds_the_golden_of_a_shared_cache_and_writes_nothing",
        ),
    ),
    Case(
        "AC-60",
        "No locks at all: the run goes on",
        (
            f"{_TC}with_a_lock_that_does_not_lock_all_are_right",
            "test_lock.py::test_a_filesystem_that_cannot_lock_is_no_error",
        ),
    ),
    Case(
        "AC-61",
        "A manifest of a format to come: passed over, not deleted",
        (
            f"{_R}other_formats_and_other_buckets_are_never_touched",
            "test_records.py::test_damaged_or_foreign_bytes_are_a_miss",
        ),
    ),
    Case(
        "AC-62",
        "An engine that the application made when it was imported opens the test's database",
        (
            "test_export.py::test_an_application_that_connects_at_import_sees_the_golden",
            "test_examples.py::test_fastapi_global_engine_has_the_url_before_the_application_is_imported",
            "test_export.py::test_the_developers_database_is_never_opened",
        ),
    ),
    Case(
        "AC-63",
        "A migration that opens a connection to elsewhere is refused and told; what it writes and starts is told",
        (
            f"{_B}an_outgoing_connection_is_refused_and_told",
            "test_explain.py::test_verify_names_what_a_build_does_besides_its_database",
        ),
        "Files that a migration writes outside, and programs that it starts, are told by `verify`.",
    ),
    Case(
        "AC-64",
        "What a power cut leaves, and the order of `fsync`",
        (f"{_TS}what_is_published_is_on_disk_before_its_name_is",),
    ),
    Case(
        "AC-65",
        "`fsync` fails: nothing is published, or it is green all the same",
        (f"{_TS}bytes_that_cannot_be_synced_are_not_published_and_a_folder_may_be",),
    ),
    Case(
        "AC-66",
        "A write of the build is lost: not published",
        (f"{_TS}a_write_that_is_lost_during_a_build_is_never_published",),
    ),
    Case(
        "AC-67",
        "Killed while what an earlier kill left is mended",
        (
            f"{_TS}killed_at_any_system_call_the_next_run_is_right",
            f"{_G}killed_at_any_step_the_next_run_is_right_without_cleaning",
        ),
    ),
    Case("AC-68", "A hostile database from a remote store", (), _REMOTE),
)


def page() -> str:
    """Return the page of the docs."""
    rows = [f"| {case.id} | {case.text} | {_cover(case)} |" for case in CASES]
    return "\n".join([*_HEAD, *rows, ""])


_HEAD = (
    "# What may go wrong",
    "",
    "Each row is a case that people meet, or that somebody may bring about, and the tests that do it for real. Written by",
    "`python -m tests.acceptance --write`; a test keeps it current.",
    "",
    "| case | what happens, and what is promised | tests in `tests/` |",
    "|---|---|---|",
)


def _cover(case: Case) -> str:
    tests = ", ".join(f"`{test.replace('::test_', '` `')}`" for test in case.tests)
    return " ".join(filter(None, [tests, case.reason and f"*{case.reason}*"]))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
