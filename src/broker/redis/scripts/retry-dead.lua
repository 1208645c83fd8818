-- Takes dead letters out, and puts their bytes back into the queue if asked to.
-- KEYS 1 dead list, 2 queue list   ARGV 'retry' | 'drop', then pairs: entry as stored, raw
-- Reply number that still stood there, or an error: nothing was taken out
-- Asked before the first write: a script is not rolled back, and a letter that was taken out and then refused would be gone.
if ARGV[1] == 'retry' then
  local kind = redis.call('TYPE', KEYS[2]).ok
  if kind ~= 'list' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
  end
end
local n = 0
for i = 2, #ARGV, 2 do
  if redis.call('LREM', KEYS[1], 1, ARGV[i]) == 1 then
    n = n + 1
    if ARGV[1] == 'retry' then redis.call('LPUSH', KEYS[2], ARGV[i + 1]) end
  end
end
return n
