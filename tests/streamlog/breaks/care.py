"""Breaks of what keeps a job alive, lets go of it, or gives it up."""

from tests.streamlog.breaks.book import of

RENEW = of(
    "renew",
    (
        "well and of[1] == 'running' and of[2] == ARGV[i + 1]",
        "well and of[2] == ARGV[i + 1]",
        "renew_says_lost_for_an_ended_job",
    ),
    (
        "well and of[1] == 'running' and of[2] == ARGV[i + 1]",
        "well and of[2] == ARGV[i + 1]",
        "renew_says_lost_for_a_job_that_waits_again",
    ),
    (
        "well and of[1] == 'running' and of[2] == ARGV[i + 1]",
        "well and of[1] == 'running'",
        "renew_says_lost_for_another_attempt",
    ),
    (
        "well and of[1] == 'running' and of[2] == ARGV[i + 1]",
        "well and (not of[1] or of[2] == ARGV[i + 1])",
        "renew_says_lost_for_a_job_that_is_gone",
    ),
    ("answers[#answers + 1] = 'lost'", "answers[1] = 'lost'", "renew_answers_for_each_pair_by_itself"),
    ("if ours and of[3] == '1' then", "if ours then", "renew_lets_a_detached_job_run_on"),
    ("+ (tonumber(grace_ms) or 0) > now_ms", "> now_ms", "renew_waits_for_the_grace"),
    ("if ours and of[3] == '1' then", "if false then", "renew_ends_an_attached_job_that_nobody_watched_for_its_grace"),
    ("redis.call('ZADD', LEASES, lease_end_ms, id)", "", "renew_extends_what_is_ours"),
    ("math.min(from + PAGE, looked_from) - 1", "from", "renew_extends_what_it_does_not_look_at"),
    ("or {'XX', 'GT'}", "or {'GT'}", "renew_gives_no_lease_to_what_has_none"),
    ("or {'XX', 'GT'}", "or {'XX'}", "renew_shortens_no_lease"),
    ("gone and {'GT'} or {'XX', 'GT'}", "{'XX', 'GT'}", "renew_bears_with_leases_that_are_gone"),
    ("mend_leases(now_ms) or ", "", "renew_bears_with_leases_that_are_gone"),
)
SWEEP = of(
    "sweep",
    ("LEASES, '-inf', digits(now_ms)", "LEASES, '-inf', '+inf'", "sweep_leaves_what_is_in_order"),
    ("LEASES, '-inf', digits(now_ms), 'LIMIT', 0, page", "LEASES, '-inf', digits(now_ms)", "sweep_works_in_pages"),
    ("redis.call('ZREM', LEASES, id)", "", "sweep_removes_ids_without_a_record"),
    ("not string.find(of[2], '-0$') or", "", "sweep_ends_a_lost_job_with_content_by_name"),
    ("'-0$'", "'0$'", "sweep_ends_a_lost_job_with_content_by_name"),
    ("or (tonumber(of[3]) or 0) >= tonumber(ARGV[3])", "", "sweep_ends_a_job_whose_third_worker_was_lost"),
    ("requeue(id, now_ms)", "", "sweep_puts_a_lost_job_without_content_back_at_the_head"),
    ("CHECKS, '-inf', digits(now_ms), 'LIMIT', 0, page", "CHECKS, '-inf', digits(now_ms)", "sweep_works_in_pages"),
    ("if of[3] == '1' then wanted_until_ms", "do wanted_until_ms", "sweep_lets_a_detached_job_wait"),
    ("dequeue(id)", "", "sweep_removes_ids_without_a_record"),
    ("if of[1] ~= 'queued' then", "if not of[1] then", "the_scripts_change_states_as_the_table_says"),
    (
        "'EXISTS', BODY .. id, ARQ_JOB .. id) ~= 2",
        "'EXISTS', ARQ_JOB .. id) ~= 1",
        "sweep_ends_a_queued_job_whose_body_is_gone",
    ),
    (
        "'EXISTS', BODY .. id, ARQ_JOB .. id) ~= 2",
        "'EXISTS', BODY .. id) ~= 1",
        "sweep_ends_a_queued_job_whose_arq_key_is_gone",
    ),
    ("elseif queue_until_ms <= now_ms", "elseif false", "sweep_ends_a_job_that_waited_too_long"),
    ("elseif wanted_until_ms <= now_ms", "elseif false", "sweep_cancels_a_queued_job_whose_listeners_left"),
    (
        "last_seen_ms(id, of[5], of[6]) + (tonumber(of[4]) or 0)",
        "last_seen_ms(id, of[5], of[6])",
        "sweep_cancels_a_queued_job_whose_listeners_left",
    ),
    (
        "redis.call('ZADD', CHECKS, digits(",
        "redis.call('MGET', digits(",
        "sweep_looks_later_at_a_queued_job_that_is_watched_again",
    ),
    ("redis.call('ZADD', WORKERS, digits(now_ms), ARGV[1])", "", "sweep_says_which_workers_live"),
    ("redis.call('ZCARD', LEASES))", "1)", "sweep_tells_how_many_jobs_run"),
    ("redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', digits(now_ms - 60000))", "", "sweep_says_which_workers_live"),
    ("if redis.call('ZCARD', QUEUE .. lane) > 0 then ring(lane) end", "", "sweep_rings_while_jobs_wait"),
    ("then ring(lane) end", "then ring('') end", "sweep_rings_in_both_lanes"),
)
SHORTAGE = of(
    "sweep",
    (
        "redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', digits(now_ms - 60000))",
        "",
        "a_full_redis_lets_the_sweep_through",
    ),
    ("if ARGV[1] ~= '' then", "if true then", "sweep_by_a_gateway_does_all_but_count_as_a_worker"),
)
RELEASE = of(
    "release",
    ("of[1] ~= 'running' or of[2] ~= ARGV[2]", "of[2] ~= ARGV[2]", "release_of_an_ended_job_does_nothing"),
    ("of[1] ~= 'running' or of[2] ~= ARGV[2]", "of[1] ~= 'running'", "release_never_disturbs_a_successor"),
    ("and string.find(of[3], '-0$')", "", "release_does_not_give_back_after_content"),
    ("'-0$'", "'0$'", "release_does_not_give_back_after_content"),
    ("'claims', -1)", "'claims', 0)", "release_gives_back_at_once_and_does_not_count_the_claim"),
    ("redis.call('ZADD', LEASES, digits(now_ms), id)", "", "release_hands_a_job_to_the_sweep"),
)
NOTE = of(
    "note",
    ("of[1] ~= 'running' or of[2]", "of[2]", "note_writes_only_while_the_attempt_is_ours"),
    ("of[1] ~= 'running' or of[2] ~= ARGV[2]", "of[1] ~= 'running'", "note_writes_only_while_the_attempt_is_ours"),
    (
        "of[1] ~= 'running' or of[2] ~= ARGV[2]",
        "of[1] and of[2] ~= ARGV[2]",
        "note_to_a_job_that_is_gone_bears_no_record",
    ),
)
WATCH = of(
    "watch",
    ("for i = 3, #ARGV", "for i = 3, 3", "watch_speaks_for_many_jobs_and_only_for_those_alive"),
    ("if of[1] == 'queued' or of[1] == 'running'", "if true", "watch_speaks_for_many_jobs_and_only_for_those_alive"),
)
LEAVE = of(
    "leave",
    (
        "redis.call('HDEL', WATCH .. id, ARGV[1])",
        "redis.call('DEL', WATCH .. id)",
        "leave_takes_back_one_gateways_word",
    ),
    ("if of[1] ~= 'queued' and of[1] ~= 'running'", "if false", "leave_of_an_ended_job_bears_nothing"),
    ("redis.call('HSET', RECORD .. id, 'left_ms', digits(now_ms))", "", "renew_counts_the_grace_from_the_last_leaving"),
    ("redis.call('ZADD', CHECKS, 'LT',", "redis.call('ZADD', CHECKS,", "leave_brings_the_sweeps_look_forward"),
)

BREAKS = [*RENEW, *SWEEP, *SHORTAGE, *RELEASE, *NOTE, *WATCH, *LEAVE]
