"""Breaks of what counts an owner's jobs and tokens, lists and removes."""

from tests.streamlog.breaks.book import of

QUOTAS = of(
    "submit",
    ("'requests_limited', wait_ms", "'requests_limited', '0'", "a_minute_brings_as_many_requests_as_it_says"),
    ("over(requests, 'requests', 1)", "false", "a_light_call_is_a_request_and_nothing_more"),
    ("over(tokens, 'tokens', 1)", "false", "an_empty_token_budget_refuses_with_a_true_wait"),
    ("if streams > 0 and at_once >= streams", "if false", "an_owner_has_so_many_jobs_at_once"),
    ("HGET', BUDGET .. owner, budget", "HGET', BUDGET, budget", "a_minute_brings_as_many_requests_as_it_says"),
    ("if not lives(redis.call('HGET', RECORD .. job", "if false and (redis.call('HGET', RECORD .. job",
     "a_job_that_redis_forgot_does_not_count"),
    ("math.floor(tokens / 10)", "tokens", "a_job_is_charged_an_estimate_until_it_ends"),
    ("'charged', digits(estimate)", "'charged', '0'", "a_job_that_used_nothing_costs_nothing"),
    ("keep(LIVE .. owner, life_ms)", "", "what_counts_jobs_at_once_lives_as_long_as_they"),
    ("keep(OWNED .. owner, life_ms)", "", "the_list_lives_as_long_as_its_jobs"),
    (
        "local function over(limit, budget, needed)",
        "local function over(limit, budget, needed) local owner = 'owner'",
        "one_owners_limit_is_not_anothers",
    ),
    ("if lane == '' then", "if true then", "a_light_call_is_not_listed"),
    ("if idempotency ~= '' then\n  local of = redis.call('HMGET', IDEMPOTENT",
     "if idempotency ~= '' and requests == 0 then\n  local of = redis.call('HMGET', IDEMPOTENT",
     "whoever_joins_uses_nothing_up"),
)  # fmt: skip
BUDGETS = of(
    "common",
    (
        "redis.call('HSET', BUDGET .. owner, budget",
        "redis.call('HSET', BUDGET, budget",
        "a_debt_is_never_longer_than_a_day",
    ),
    ("keep(BUDGET .. owner, (", "keep(BUDGET .. owner, 1e7 + (", "a_budget_expires_when_it_is_full_again"),
    ("tonumber(now_us) + DEBT_MOST_US)", "math.huge)", "a_debt_is_never_longer_than_a_day"),
    ("redis.call('ZREM', LIVE .. owner, id)", "", "an_owner_has_so_many_jobs_at_once"),
    ("used - (tonumber(of[2]) or 0)", "used", "an_ended_job_has_cost_what_was_used"),
    ("if not of[4] then", "if false then", "a_job_that_breaks_off_has_cost_what_is_known"),
)
LIST = of(
    "list",
    ("'+inf' or ARGV[2]", "'+inf' or ARGV[2] - 1", "jobs_of_one_microsecond_are_listed_once_each"),
    ("or id < ARGV[3]", "", "jobs_of_one_microsecond_are_listed_once_each"),
    ("OWNED .. owner, from", "OWNED, from", "ones_own_jobs_are_listed_newest_first"),
    ("or of[1] == state", "or true", "a_list_can_be_of_one_state"),
    ("if #seen == 2000 then", "if false then", "a_page_looks_at_a_thousand_jobs_at_most"),
)
REMOVE = of(
    "remove",
    ("if of[1] ~= ARGV[2]", "if false", "nobody_removes_what_is_not_his"),
    ("hide(id, of[4]", "tostring(id, of[4]", "a_removed_job_leaves_nothing"),
    ("redis.call('ZREM', OWNED", "redis.call('ZSCORE', OWNED", "a_removed_job_leaves_nothing"),
    ("if lives(of[2]) then", "if false then", "a_running_job_is_cancelled_before_it_is_removed"),
    ("RECORD .. id, LOG .. id,", "RECORD .. id,", "a_running_job_is_cancelled_before_it_is_removed"),
)

BREAKS = [*QUOTAS, *BUDGETS, *LIST, *REMOVE]
