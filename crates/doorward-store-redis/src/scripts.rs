//! The two scripts: a server runs each as one step, and reads or changes no key but those it was given.

use redis::Script;

use crate::question::LuaScript;

/// Enters a member into a list for `ahead` milliseconds at least, from now on.
///
/// The moments in a list are the server's: an instance whose clock is wrong must not drop what others entered. GT, so that two
/// writes may come in either order; what ended long ago is dropped at the same time. The list as a whole ends with the last of
/// its entries.
macro_rules! change_list {
    () => {
        "local function enter(list, member, ahead, keep, slack) \
            local time = redis.call('TIME') \
            local now = time[1] * 1000 + math.floor(time[2] / 1000) \
            redis.call('ZADD', list, 'GT', string.format('%.0f', now + ahead), member) \
            redis.call('ZREMRANGEBYSCORE', list, '-inf', string.format('(%.0f', now - slack)) \
            if redis.call('PTTL', list) < tonumber(keep) then redis.call('PEXPIRE', list, keep) end \
        end "
    };
}

const WRITE_TEXT: &str = concat!(
    change_list!(),
    // Security: what was not written by us is neither compared nor overwritten.
    "local head = redis.call('GETRANGE', KEYS[1], 0, 11) \
     if head ~= '' and string.sub(head, 1, 4) ~= 'DRW1' then return redis.error_reply('FOREIGN value under our key') end \
     if head ~= ARGV[1] then return 0 end \
     for i = 2, #KEYS do local at = 5 + 2 * (i - 1) \
        if ARGV[at] ~= '' then enter(KEYS[i], ARGV[4], ARGV[at], ARGV[at + 1], ARGV[6]) end \
     end \
     redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
     for i = 2, #KEYS do \
        if ARGV[5 + 2 * (i - 1)] == '' then redis.call('ZREM', KEYS[i], ARGV[4]) end \
     end \
     if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[4]) end \
     return 1"
);

const LIST_TEXT: &str = concat!(
    change_list!(),
    "if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) \
     else enter(KEYS[1], ARGV[1], ARGV[3], ARGV[4], ARGV[2]) end \
     return 1"
);

/// Compares and sets a record, and changes the lists whose keys follow.
///
/// Keys: the record, then lists. Arguments: the expected head or nothing, the new value, how long to keep it in milliseconds,
/// the key's digest, the channel to tell or nothing, how long entries of lists stay beyond their end; then two for each list:
/// for how long or nothing to leave it, and how long to keep the list. Additions come before the record, so that an error among them leaves it as it was.
/// Answers 1 for done and 0 for a conflict, in which case nothing was changed.
pub(crate) static WRITE: LuaScript = LuaScript::new(WRITE_TEXT, || Script::new(WRITE_TEXT));

/// Changes one list by itself, for clusters, where it is on another node than the record.
///
/// Arguments: the digest, how long entries stay beyond their end, for how long or nothing, how long to keep the list.
pub(crate) static LIST: LuaScript = LuaScript::new(LIST_TEXT, || Script::new(LIST_TEXT));
