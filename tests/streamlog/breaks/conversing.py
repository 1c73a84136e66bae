"""Breaks of what begins, continues, settles, lists and removes conversations."""

from tests.streamlog.breaks.book import of

SAY = of(
    "say",
    ("if of[1] ~= owner", "if false", "nobody_speaks_in_anothers_conversation"),
    ("if of[3] and lives(", "if false and lives(", "one_message_at_a_time_is_answered"),
    ("if tonumber(of[2]) ~= seen", "if false", "whoever_has_not_read_the_last_answer_reads_again"),
    ("'said:' .. turn, message,", "'said:' .. turn, '',", "a_message_is_a_job_and_a_turn"),
    ("of[4] or title)", "of[4] or '')", "a_message_is_a_job_and_a_turn"),
    ("conversation, life_ms)\nredis", "conversation, 1000)\nredis",
     "an_ending_keeps_answer_and_conversation_for_as_long"),
    ("'conversation', conversation)", "'conversation', '')", "an_ending_keeps_answer_and_conversation_for_as_long"),
)  # fmt: skip
SUBMIT = of(
    "submit",
    ("-- Nothing is refused behind this line.\n", "", "a_message_is_a_job_and_a_turn"),
    (
        "if of[1] and redis.call('EXISTS', RECORD .. of[1]) == 1 then",
        "if false then",
        "a_message_sent_again_joins_its_job",
    ),
    ("if wait_ms then return refuse('requests_limited', wait_ms) end", "", "a_refused_submit_leaves_no_turn"),
)  # fmt: skip
ENDING = of(
    "common",
    ("    redis.call('UNLINK', CONVERSATION .. oldest)", "    local _", "the_oldest_conversation_makes_room"),
    ("    redis.call('ZREM', CONVERSATIONS .. owner, oldest)", "    local _", "the_oldest_conversation_makes_room"),
    ("if of[8] then end_turn", "if false then end_turn", "an_ending_keeps_answer_and_conversation_for_as_long"),
    ("if type(owner) ~= 'string' then return end", "if not owner then owner = 'owner' end",
     "a_removed_conversation_is_not_born_again"),
    ("redis.pcall('HGET', CONVERSATION", "redis.call('HGET', CONVERSATION",
     "a_conversation_that_is_not_ours_keeps_no_job_from_ending"),
    ("'XX', now_us, conversation)", "'NX', now_us, conversation)",
     "an_ending_keeps_answer_and_conversation_for_as_long"),
)  # fmt: skip
SETTLE = of(
    "settle",
    ("if redis.call('HGET', key, 'by:' .. turn) ~= job", "if false", "a_removed_conversation_is_not_born_again"),
    ("if lives(", "if false and lives(", "an_answer_is_settled_once_and_its_log_is_let_go"),
    ("'HSETNX', key", "'HSET', key", "an_answer_is_settled_once_and_its_log_is_let_go"),
    ("if redis.call('PTTL', kept) >", "if 1e9 >", "an_answer_is_settled_once_and_its_log_is_let_go"),
)
OTHERS = [
    *of("converse", ("if known then", "if false then", "a_conversation_that_is_begun_twice_is_one")),
    *of(
        "conversations",
        ("if of[1] ~= owner then", "if false then", "conversations_are_listed_newest_first_in_pages"),
        ("or id < ARGV[3]", "", "conversations_of_one_microsecond_are_listed_once_each"),
        ("if #seen == 2000 then", "if false then", "a_page_looks_at_a_thousand_conversations_at_most"),
    ),
    *of(
        "forget",
        ("if of[1] ~= ARGV[2]", "if false", "nobody_speaks_in_anothers_conversation"),
        ("if of[2] and lives(", "if false and lives(", "a_conversation_is_removed_when_nothing_of_it_lives"),
        ("redis.call('ZREM', CONV", "tostring('ZREM', CONV", "a_conversation_is_removed_when_nothing_of_it_lives"),
    ),
]

BREAKS = [*SAY, *SUBMIT, *ENDING, *SETTLE, *OTHERS]
