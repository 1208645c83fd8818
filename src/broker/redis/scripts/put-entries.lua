-- Stores definitions of schedule entries; counters, holds and the switch of one that is there stay.
-- KEYS 1 schedule, 2 names (zset by version), 3 removed names (zset by version), 4.. entries
-- ARGV per entry: name, json, source, planned or ''
-- Reply per entry: 1 changed, 0 stood there just so
local changed = {}
for i = 1, #KEYS - 3 do
  local key, a = KEYS[3 + i], 4 * i - 3
  local stored = redis.pcall('HMGET', key, 'json', 'source')
  if stored.err then -- a key of another type in our place: the definition is worth more
    redis.call('DEL', key)
    stored = {false, false}
  end
  local sameText = stored[1] == ARGV[a + 1]
  if sameText and stored[2] == ARGV[a + 2] then
    changed[i] = 0
  else
    local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
    redis.call('HSET', key, 'json', ARGV[a + 1], 'source', ARGV[a + 2])
    if not sameText then redis.call('HSET', key, 'planned', ARGV[a + 3], 'over', '0') end
    redis.call('ZADD', KEYS[2], version, ARGV[a])
    redis.call('ZREM', KEYS[3], ARGV[a])
    changed[i] = 1
  end
end
return changed
