-- Tells a broadcast of events, and writes it to the journal while a reader is registered, present or away.
-- KEYS 1 journal (hash: id, newest), 2 its readers (zset: name -> end in ms), 3 its batches (stream), 4 scratch
-- ARGV 1 channel, 2 raw, 3 number of events, 4 events that are kept at least
-- Reply {listeners, readers}
-- The id of a batch is the number of events written up to and with it. The first write is a DEL: then the rest passes at maxmemory.
local listeners = redis.call('PUBLISH', ARGV[1], ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return {listeners, 0} end
local t = redis.call('TIME')
local readers = redis.call('ZCOUNT', KEYS[2], '(' .. (t[1] * 1000 + math.floor(t[2] / 1000)), '+inf')
if readers == 0 then return {listeners, 0} end
redis.call('DEL', KEYS[4])
local newest = redis.call('HINCRBY', KEYS[1], 'newest', ARGV[3])
local gone = math.max(newest - tonumber(ARGV[4]), 0)
redis.call('XADD', KEYS[3], 'MINID', '~', gone + 1, newest .. '-0', ARGV[3], ARGV[2])
if newest == tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1])) end
return {listeners, readers}
