"""Breaks of what writes and reads a log, and of what ends it."""

from tests.streamlog.breaks.book import of

APPEND = of(
    "append",
    ("'content_us', now_us)", "'content', now_us)", "append_stores_frames_with_their_positions"),
    ("log_expires_with_record(id)", "", "the_first_chunk_gives_the_log_the_life_of_its_record"),
    ("unpack(ARGV, 8)", "unpack(ARGV, 10)", "append_writes_the_fields_that_come_with_it"),
    ("'last', position, ", "'last', '0-0', ", "append_stores_frames_with_their_positions"),
)
APPENDS = of(
    "appends",
    ("'last', position)", "'lost', position)", "appends_store_what_append_stores"),
    ("if refused then return refused end", "", "appends_answer_each_chunk_by_itself"),
    ("pcall(write, ", "true, write(", "appends_bear_with_a_log_that_is_not_ours"),
)
ROUSE = of("rouse", ("nudge(ARGV[1])", "", "rouse_wakes_a_worker_and_no_other"))
CONCLUDE = of(
    "conclude",
    ("and mark ~= 'failed' then", "then", "a_failure_is_no_content"),
    ("digits((tonumber(ended[2])", "digits(1e9 + (tonumber(ended[2])", "an_ending_sent_twice_is_one_ending"),
    ("if refused == 'repeated' then", "if false then", "an_ending_sent_twice_is_one_ending"),
    ("if refused then return {refused} end", "", "append_to_a_job_that_is_gone_bears_no_log"),
)
REFUSAL = of(
    "common",
    ("if not of[1] then return 'gone'", "if false then return 'gone'", "append_to_a_job_that_is_gone_bears_no_log"),
    ("if of[2] == position", "if false", "append_answers_a_repeat_and_stores_nothing_twice"),
    ("if of[1] ~= 'running' and of[1] ~= 'queued'", "if false", "append_refuses_after_its_own_ending"),
    ("if of[1] ~= 'running' and of[1] ~= 'queued'", "if false", "append_refuses_after_an_ending_by_cancel"),
    ("if of[2] == before", "if true", "append_refuses_a_wrong_predecessor"),
    ("if of[2] == before", "if true", "append_refuses_a_stale_attempt"),
    ("> attempt then", "< 0 then", "append_refuses_a_stale_attempt"),
    ("> attempt then", ">= attempt then", "append_notices_that_redis_lost_frames"),
    ("> attempt then", "~= attempt then", "append_notices_that_redis_lost_the_claim"),
)
STORE = of(
    "common",
    (
        "redis.call('PUBLISH', CHANNEL .. id, chunk",
        "redis.call('PUBLISH', CHANNEL, chunk",
        "append_publishes_exactly_what_it_stores",
    ),
    ("CHANNEL .. id, chunk", "CHANNEL .. id, chunk .. ' '", "append_publishes_exactly_what_it_stores"),
    ("mark == '' and '-' or mark, now_us, #head", "'-', now_us, #head", "append_publishes_exactly_what_it_stores"),
    ("#head}, ' ')", "0}, ' ')", "append_publishes_exactly_what_it_stores"),
)
FINISH = of(
    "common",
    ("redis.call('ZREM', LEASES, id) -- first", "-- first", "a_full_redis_lets_a_cancel_through"),
    ("1 then dequeue(id) end", "1 then end", "end_from_the_queue_takes_the_job_out_of_it"),
    ("redis.call('ZREM', LEASES, id)\n  redis.call('UNL", "redis.call('UNL", "an_ending_leaves_only_record_and_log"),
    ("'UNLINK', ARQ_JOB .. id, ", "'UNLINK', ", "an_ending_in_the_queue_leaves_only_record_and_log"),
    ("ARQ_PROGRESS .. id, ARQ_RETRY .. id, ", "ARQ_RETRY .. id, ", "an_ending_leaves_only_record_and_log"),
    ("ARQ_RETRY .. id, WATCH .. id, ", "WATCH .. id, ", "an_ending_leaves_only_record_and_log"),
    (", WATCH .. id, BODY .. id)", ", BODY .. id)", "an_ending_leaves_only_record_and_log"),
    (", WATCH .. id, BODY .. id)", ", WATCH .. id)", "an_ending_in_the_queue_leaves_only_record_and_log"),
    ("'code', code)", "'code', '')", "an_ending_by_its_writer_is_its_next_frame"),
    ("'last', position, 'ended_us', now_us", "'last', position", "an_ending_by_its_writer_is_its_next_frame"),
    ("redis.call('PEXPIRE', RECORD .. id, retention_ms)", "", "an_ending_leaves_only_record_and_log"),
    ("redis.call('PEXPIRE', LOG .. id, retention_ms)", "", "an_ending_in_the_queue_leaves_only_record_and_log"),
    ("redis.call('PEXPIRE', LOG .. id, retention_ms)", "", "nothing_of_a_life_remains"),
    (
        "local attempt = next_attempt(of[1], now_ms)\n  local line",
        "local attempt = of[1]\n  local line",
        "an_ending_from_outside_is_the_first_frame_of_a_new_attempt",
    ),
    ("TOLD[code] .. (of[2] or '')", "TOLD[code]", "every_named_ending_is_an_error_body"),
    ("TOLD[code]", "(TOLD[code] or '')", "an_unknown_code_ends_nothing"),
)
END = of(
    "end",
    (
        "if not of[1] then return {'gone'} end\nif not lives(of[1])",
        "if of[1] and not lives(of[1])",
        "end_of_a_job_that_is_gone_bears_nothing",
    ),
    ("if not lives(of[1])", "if false", "a_second_ending_is_impossible"),
    ("if ours ~= '' and", "if false and", "end_by_a_stale_attempt_does_nothing"),
    ("if ours == '' and", "if", "a_cancel_leaves_its_worker_one_nudge"),
)
NUDGE = of(
    "common",
    ("redis.call('LLEN', nudges) == 0", "true", "a_cancel_leaves_its_worker_one_nudge"),
    ("redis.call('PEXPIRE', nudges, 60000)", "", "a_cancel_leaves_its_worker_one_nudge"),
)
READ = of(
    "read",
    (
        "= ARGV[2], 0, {}",
        "= (ARGV[2] == '-' and '-' or '(' .. ARGV[2]), 0, {}",
        "read_begins_with_the_chunk_that_holds_the_position",
    ),
    ("from = '(' .. entry[1]", "from = entry[1]", "read_comes_in_pages_that_add_up"),
    ("bytes = bytes + #entry[2][#entry[2]]", "", "read_comes_in_pages_that_add_up"),
    ("#entries > 1 and", "", "read_gets_past_chunks_larger_than_a_page"),
    (
        "if #some < 16 then return {state, ",
        "if #some < 16 then return {'queued', ",
        "read_tells_a_job_without_frames_from_one_that_is_gone",
    ),
)

BREAKS = [*APPEND, *APPENDS, *ROUSE, *CONCLUDE, *REFUSAL, *NUDGE, *STORE, *FINISH, *END, *READ]
