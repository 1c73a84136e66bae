"""Breaks of what keeps one spoiled job from hindering the others."""

from tests.streamlog.breaks.book import of

CLAIM = of(
    "claim",
    ("if not is_figure(of[i]) then", "if false then", "claim_passes_over_what_is_not_ours"),
    ("attempted(looked, id)", "true, looked(id)", "claim_passes_over_what_is_not_ours"),
    ("#arq_job > 1024", "false", "claim_passes_over_what_is_not_ours"),
    ("if size > RECORD_MOST then", "if false then", "claim_passes_over_what_is_not_ours"),
    ("if not well or not is_id(id) then", "if not well then", "claim_and_sweep_take_out_ids_that_are_none"),
)
RENEW = of(
    "renew",
    ("mend_leases(now_ms) or ", "dropped(LEASES, 'zset') or ", "sweep_loses_no_job_whose_lease_is_lost"),
    ("local of = redis.pcall(", "local of = redis.call(", "renew_keeps_the_others_of_a_worker"),
    ("attempted(unwanted, ", "true, unwanted(", "renew_keeps_the_others_of_a_worker"),
    ("if not well then leave_to_the_sweep(id) end", "", "renew_keeps_the_others_of_a_worker"),
)
SWEEP = of(
    "sweep",
    ("well, told = attempted(look, id)", "well, told = true, look(id)", "sweep_ends_what_is_spoiled_by_name"),
    ("if is_id(id) and", "if", "claim_and_sweep_take_out_ids_that_are_none"),
    ("redis.call('ZSCORE', CHECKS, id) ~= NOT_OURS", "true", "claim_passes_over_what_is_not_ours"),
    ("mend_fleet(ARGV[1], now_ms)", "", "sweep_mends_what_all_jobs_share"),
    ("mend_fleet(ARGV[1], now_ms)", "", "sweep_loses_no_job_whose_lease_is_lost"),
    ("mend_fleet(ARGV[1], now_ms)", "", "sweep_looks_at_jobs_whose_checks_are_lost"),
    (
        "elseif not redis.call('ZSCORE', QUEUE",
        "elseif not redis.call('EXISTS', RECORD",
        "sweep_mends_what_all_jobs_share",
    ),
)
MENDING = of(
    "mending",
    ("then error(answer, 0) end", "then return true end", "what_the_server_forbids_is_no_fault_of_a_job"),
    ("  mend_job(id)\n  for _, name", "  for _, name", "claim_passes_over_what_is_not_ours"),
    ("RECORD .. '*', 'COUNT'", "QUEUE .. '*', 'COUNT'", "sweep_loses_no_job_whose_lease_is_lost"),
    ("LEASES, digits(now_ms + LEASES_LOST_MS)", "LEASES, digits(now_ms)", "sweep_loses_no_job_whose_lease_is_lost"),
    ("redis.pcall('SCAN'", "redis.call('SCAN'", "sweep_mends_leases_without_a_look_at_all_keys"),
    ("if state == 'done' or", "if", "sweep_ends_no_job_twice_that_is_over"),
    ("redis.call('DEL', QUEUED_BYTES", "redis.call('TYPE', QUEUED_BYTES", "no_bytes_wait_in_an_empty_queue"),
    ("ipairs(lost_checks and LANES or {})", "ipairs({})", "sweep_looks_at_jobs_whose_checks_are_lost"),
)
WATCH = of(
    "watch",
    ("redis.pcall(", "redis.call(", "watch_goes_on_past_what_is_not_ours"),
    ("attempted(watch, ", "watch(", "watch_goes_on_past_what_is_not_ours"),
)
READING = [
    *of(
        "mend",
        ("mend_owner(ARGV[1])", "", "submit_mends_what_stands_in_an_owners_way"),
        ("mend_ways(ARGV[2], ", "tostring(ARGV[2], ", "submit_mends_what_stands_in_an_owners_way"),
        ("      leave_to_the_sweep(id)", "", "submit_mends_what_stands_in_an_owners_way"),
    ),
    *of(
        "submit",
        ("members(OWNED .. owner)", "0", "what_stands_in_an_owners_way_leaves_no_half_of_a_job"),
        ("members(TWINS .. fingerprint)", "0", "what_stands_in_an_owners_way_leaves_no_half_of_a_job"),
    ),
    *of(
        "say",
        ("dropped(CONVERSATIONS .. owner, 'zset')", "", "what_stands_in_an_owners_way_leaves_no_half_of_a_job"),
    ),
    *of(
        "list",
        ("local of = redis.pcall(", "local of = redis.call(", "a_list_shows_what_is_ours"),
        ("dropped(OWNED .. owner, 'zset')", "", "a_list_shows_what_is_ours"),
    ),
    *of(
        "conclude",
        ("if not well then", "if false then", "an_ending_is_whole_though_its_ways_are_spoiled"),
        ("  mend_job(id)", "", "an_ending_is_whole_though_its_ways_are_spoiled"),
    ),
    *of(
        "read",
        ("redis.call('XRANGE', LOG .. ARGV[1],", "redis.call('XRANGE', 'none',", "a_reader_is_told_what_is_not_ours"),
    ),
]
BREAKS = [*CLAIM, *RENEW, *SWEEP, *MENDING, *WATCH, *READING]
