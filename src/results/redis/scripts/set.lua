-- Stores results as Celery does, and tells who waits. A stored SUCCESS stays.
-- KEYS result keys   ARGV per key: json, ttl ms (0 = for ever)   Reply number written
local n = 0
for i, key in ipairs(KEYS) do
  local start = redis.call('GETRANGE', key, 0, 19)
  if start ~= '{"status": "SUCCESS"' and start ~= '{"status":"SUCCESS",' then
    local json, ttl = ARGV[2 * i - 1], ARGV[2 * i]
    if ttl == '0' then redis.call('SET', key, json) else redis.call('SET', key, json, 'PX', ttl) end
    redis.call('PUBLISH', key, json)
    n = n + 1
  end
end
return n
