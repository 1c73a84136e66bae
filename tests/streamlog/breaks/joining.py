"""Breaks of joining: what finds a job that a call repeats."""

from tests.streamlog.breaks.book import of

JOINING = of(
    "submit",
    ("redis.call('UNLINK', BODY .. id)\n  return {...}", "return {...}", "a_retry_joins_the_job_that_nobody_watches"),
    ("elseif ARGV[14] == '1' then", "elseif false then", "a_retry_joins_a_running_job_too"),
    ("elseif ARGV[14] == '1' then", "else", "only_a_retry_joins_by_its_fingerprint"),
    ("elseif ARGV[14] == '1' then", "end if ARGV[14] == '1' then", "a_key_outlives_its_failed_job_for_nobody"),
    ("'ZREVRANGE', TWINS .. fingerprint", "'ZRANGE', TWINS .. fingerprint", "a_retry_joins_the_newest"),
    ("watched_until_ms(twin) <= now_ms", "true", "a_retry_leaves_a_watched_job_to_its_listener"),
    ("of[2] == id or ", "", "a_join_is_the_same_when_sent_again"),
    ("redis.call('HSET', RECORD .. twin, 'joined_by', id)", "", "a_join_is_the_same_when_sent_again"),
    ("watch(twin, gateway, watch_ms, of[3], now_ms)", "", "whoever_joins_is_listening"),
    ("redis.call('EXISTS', RECORD .. of[1]) == 1", "true", "a_key_joins_an_ended_job_while_its_log_lives"),
    ("if of[2] ~= fingerprint then", "if false then", "a_key_stands_for_one_request"),
    ("'id', id, 'fingerprint', fingerprint)", "'id', id)", "a_key_joins_a_job_that_is_watched"),
    ("redis.call('HSET', IDEMPOTENT .. idempotency", "redis.call('MGET', IDEMPOTENT", "a_key_is_claimed_once"),
    ("redis.call('ZADD', TWINS .. fingerprint", "redis.call('MGET', TWINS", "a_retry_joins_a_running_job_too"),
    ("ARGV[12], ARGV[13]", "'one', ARGV[13]", "another_fingerprint_is_another_call"),
    ("if twins >= TWINS_MOST then", "if false then", "what_finds_a_job_is_bounded_and_has_an_end"),
    ("-TWINS_MOST - 1", "-TWINS_MOST - 9", "what_finds_a_job_is_bounded_and_has_an_end"),
    ("redis.call('PEXPIRE', TWINS", "redis.call('MGET', TWINS", "what_finds_a_job_is_bounded_and_has_an_end"),
    ("redis.call('PEXPIRE', IDEMPOTENT", "redis.call('MGET', IDEMPOTENT", "what_finds_a_job_is_bounded_and_has_an_end"),
    (
        "if redis.call('STRLEN', BODY .. id) ~= body_bytes",
        "if redis.call('STRLEN', BODY .. id) == 77 and body_bytes",
        "submit_fails_when_the_body_is_missing",
    ),
    (
        "local known = redis.call('HGET'",
        "if redis.call('ZCARD', QUEUE .. lane) >= tonumber(ARGV[3]) then return refuse('queue_full_jobs', '1') end "
        "local known = redis.call('HGET'",
        "a_full_queue_still_takes_who_joins",
    ),
    (
        "local depth = redis.call('ZCARD', QUEUE .. lane)",
        "local depth = redis.call('ZCARD', QUEUE)",
        "a_full_lane_does_not_fill_the_other",
    ),
)
HIDING = of(
    "common",
    ("return state == 'queued' or state == 'running'", "return true", "a_retry_of_an_ended_job_is_a_new_job"),
    ("redis.call('ZREM', TWINS .. fingerprint, id)", "", "what_finds_a_job_is_bounded_and_has_an_end"),
    ("'id') ~= id then return end", "'id') == 'x' then return end", "a_job_frees_its_own_key_only"),
    (
        "redis.call('PEXPIRE', IDEMPOTENT",
        "redis.call('MGET', IDEMPOTENT",
        "a_key_joins_an_ended_job_while_its_log_lives",
    ),
    ("redis.call('DEL', IDEMPOTENT", "redis.call('MGET', IDEMPOTENT", "a_failure_before_content_frees_the_key"),
    ("state == 'done' or of[6]", "state == 'done'", "a_key_joins_an_answer_that_broke_off"),
    ("QUEUE .. lane, created_us, id)", "QUEUE, created_us, id)", "each_lane_has_its_own_queue_and_bell"),
    ("QUEUE .. lane, created_us, id)", "QUEUE, created_us, id)", "the_fleets_figures_count_both_lanes"),
    (
        "return math.max(tonumber(left_ms) or 0, math.floor((tonumber(created_us) or 0) / 1000), watched_until_ms(id))",
        "return 0",
        "renew_waits_for_the_grace",
    ),
)
BREAKS = [*JOINING, *HIDING]
