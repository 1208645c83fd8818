-- Reads the journal: what it is and what it holds, of one moment.
-- KEYS 1 journal, 2 its batches   ARGV 1 position, 2 most batches
-- Reply {id, newest, oldest batch or {}, batches}, a batch being {id, {events, raw}}   | {'', '0', {}, {}}: there is no record
local record = redis.call('HMGET', KEYS[1], 'id', 'newest')
if not record[1] then return {'', '0', {}, {}} end
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local batches = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
return {record[1], record[2], oldest[1] and {oldest[1][1], {oldest[1][2][1]}} or {}, batches}
