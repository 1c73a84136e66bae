"""Breaks of the ways into the queue and out of it."""

from tests.streamlog.breaks.book import of

SUBMIT = of(
    "submit",
    (
        "if redis.call('STRLEN', BODY .. id) ~= body_bytes",
        "redis.call('ZREM', QUEUE, id) if false",
        "a_full_redis_takes_no_job_and_keeps_nothing_of_it",
    ),
    ("if known then", "if false then", "submit_is_idempotent_under_resend"),
    ("if known then", "if false then", "a_resent_submit_does_not_disturb_a_claimed_job"),
    ("if redis.call('STRLEN', BODY .. id) ~= body_bytes", "if false", "submit_fails_when_the_body_is_missing"),
    ("depth >= tonumber", "depth > tonumber", "submit_refuses_beyond_the_job_bound"),
    (
        "return refuse('queue_full_jobs', digits(depth))",
        "return {'queue_full_jobs', digits(depth)}",
        "submit_refuses_beyond_the_job_bound",
    ),
    ("held_bytes + body_bytes >", "held_bytes >", "submit_refuses_beyond_the_byte_bound"),
    (
        "return refuse('queue_full_bytes', digits(held_bytes))",
        "return {'queue_full_bytes', digits(held_bytes)}",
        "submit_refuses_beyond_the_byte_bound",
    ),
    ("unpack(ARGV, 19))", "unpack(ARGV, 21))", "submit_keeps_what_was_asked"),
    ("redis.call('PEXPIRE', RECORD .. id, life_ms)", "", "a_queued_job_lives_as_long_as_it_could_take"),
    ("ARGV[8], 'PX', life_ms", "ARGV[8]", "a_queued_job_lives_as_long_as_it_could_take"),
    ("watch(id, gateway, watch_ms, grace_ms, now_ms)", "", "renew_waits_for_the_grace"),
    ("check_ms = math.min(", "local _ = math.min(", "submit_tells_the_sweep_when_to_look"),
    ("check_ms = math.min(", "local _ = math.min(", "sweep_cancels_a_queued_job_whose_gateway_died"),
)
CLAIM = of(
    "claim",
    ("math.min(tonumber(ARGV[2]), 8)", "tonumber(ARGV[2])", "claim_takes_at_most_eight"),
    ("if most < 1", "if false", "claim_of_none_takes_none"),
    ("leave_lane(lane, digits(bytes), unpack(ids))", "", "claim_moves_ids_from_the_queue_to_the_leases"),
    ("found[7] or 0", "0", "queued_bytes_go_back_to_zero"),
    ("redis.call('ZREM', CHECKS, unpack(ids))", "", "claim_moves_ids_from_the_queue_to_the_leases"),
    ("    dequeue(id)", "", "claim_skips_ids_whose_record_is_gone"),
    ("if of[1] ~= 'queued'", "if false", "claim_skips_ids_whose_record_is_gone"),
    ("if of[1] ~= 'queued'", "if false", "the_scripts_change_states_as_the_table_says"),
    ("next_attempt(of[2], now_ms)", "of[2]", "each_claim_is_a_new_attempt"),
    ("'last', found[1] .. '-0',", "", "each_claim_is_a_new_attempt"),
    ("or 0) + 1)", "or 0))", "sweep_ends_a_job_whose_third_worker_was_lost"),
    ("redis.call('ZADD', LEASES, unpack(leases))", "", "claim_moves_ids_from_the_queue_to_the_leases"),
    ("(tonumber(of[3]) or 0) - now_ms", "0", "claim_brings_what_is_needed_to_begin"),
    ("<= tonumber(ARGV[4])", "< tonumber(ARGV[4])", "claim_leaves_a_large_body_behind"),
    (
        "if redis.call('STRLEN', BODY .. id) <= tonumber(ARGV[4]) then",
        "if true then",
        "claim_leaves_a_large_body_behind",
    ),
    ("lane) > 0 then", "lane) > 9 then", "claim_rings_again_if_more_wait"),
    ("lane) > 0 then", "lane) >= 0 then", "an_empty_queue_wakes_nobody"),
    ("'ZRANGE', QUEUE .. lane,", "'ZRANGE', QUEUE,", "each_lane_has_its_own_queue_and_bell"),
    (
        "local claimed = {}",
        "local claimed = {} for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do redis.call('EXISTS', id) end",
        "the_cost_of_a_claim_does_not_depend_on_what_is_in_flight",
    ),
)
QUEUE = of(
    "common",
    ("BELL_MOST = 64", "BELL_MOST = 65", "submit_rings_the_bell_never_above_64"),
    ("math.max((tonumber(previous) or 0) + 1, now_ms)", "now_ms", "attempts_rise_though_the_clock_stands_back"),
    (
        "math.max((tonumber(previous) or 0) + 1, now_ms)",
        "(tonumber(previous) or 0) + 1",
        "attempts_rise_though_redis_lost_its_tail",
    ),
    (
        "redis.call('ZADD', QUEUE .. lane, created_us, id)",
        "redis.call('ZADD', QUEUE .. lane, '-' .. created_us, id)",
        "claim_takes_the_oldest_first",
    ),
    ("redis.call('ZADD', CHECKS, digits(check_ms), id)", "", "sweep_ends_a_job_that_waited_too_long"),
    ("redis.call('INCRBY', QUEUED_BYTES .. lane, body_bytes or 0)", "", "queued_bytes_go_back_to_zero"),
    ("body_bytes or 0)\n  ring(lane)", "body_bytes or 0)", "submit_rings_the_bell_never_above_64"),
    ("redis.call('ZREM', CHECKS, id)\n  for", "for", "sweep_removes_ids_without_a_record"),
    ("'DEL', QUEUED_BYTES .. lane, BELL .. lane", "'DEL', BELL .. lane", "queued_bytes_go_back_to_zero"),
    ("'DEL', QUEUED_BYTES .. lane, BELL .. lane", "'DEL', QUEUED_BYTES .. lane", "an_empty_queue_wakes_nobody"),
    ("redis.call('DECRBY', QUEUED_BYTES", "redis.call('MGET', QUEUED_BYTES", "queued_bytes_go_back_to_zero"),
    ("math.max(tonumber(left_ms) or 0, ", "math.max(0, ", "renew_counts_the_grace_from_the_last_leaving"),
    ("latest = math.max(latest, tonumber(until_ms) or 0)", "", "renew_heeds_the_word_of_a_second_gateway"),
    ("redis.call('PEXPIRE', WATCH", "redis.call('MGET', WATCH", "watch_keeps_a_word_that_runs_out"),
    ("redis.call('PEXPIRE', WATCH", "redis.call('MGET', WATCH", "no_key_of_a_job_is_ever_without_an_end"),
    ("of[5] or '', of[2] or '0'", "'', of[2] or '0'", "a_light_job_returns_to_its_lane"),
    ("'attempt', attempt, 'last', attempt .. '-0',", "", "sweep_puts_a_lost_job_without_content_back_at_the_head"),
    ("redis.call('ZREM', LEASES, id)\n  enqueue", "enqueue", "release_gives_back_at_once_and_does_not_count_the_claim"),
    ("digits(now_ms + (tonumber(of[4]) or 0))", "'0'", "a_job_put_back_may_wait_its_whole_time_again"),
    (
        "enqueue(id, of[5] or '', of[2] or '0', of[3], now_ms)",
        "enqueue(id, of[5] or '', digits(now_ms * 1000 + 999), of[3], now_ms)",
        "release_gives_back_to_the_head_and_rings",
    ),
)

BREAKS = [*SUBMIT, *CLAIM, *QUEUE]
