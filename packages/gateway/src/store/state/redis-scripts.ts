/**
 * What must happen in one step, as Lua for Redis: those of the buckets of `token-bucket.ts` first. A bucket is a hash: `w` window index, `t` tokens, `c`
 * capacity. Numbers are written with %.0f because Lua's default form loses digits past 10^14.
 */
export const redisScripts = {
  /** KEYS: bucket. ARGV: window index, limit, capacity, want, life in ms. Returns granted, remaining, window index. */
  takeTokens: `
local window, limit, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'w', 't', 'c')
local tokens, at = capacity, window
if kept[1] then
  at = tonumber(kept[1])
  tokens = tonumber(kept[2]) + capacity - tonumber(kept[3])
  if window > at then
    tokens = math.min(capacity, math.max(0, tokens) + limit * (window - at))
    at = window
  end
end
local granted = math.max(0, math.min(tonumber(ARGV[4]), tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'w', string.format('%.0f', at), 't', string.format('%.0f', tokens), 'c', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {granted, math.max(0, tokens), at}
`,
  /** KEYS: bucket. ARGV: window index, count. */
  returnTokens: `
local kept = redis.call('HMGET', KEYS[1], 'w', 't', 'c')
if kept[1] and tonumber(kept[1]) == tonumber(ARGV[1]) then
  local tokens = math.min(tonumber(kept[3]), tonumber(kept[2]) + tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 't', string.format('%.0f', tokens))
end
return 0
`,
  /** KEYS: value. ARGV: what it must be, what it becomes, life in ms. Returns 1 where it was so. */
  replaceValue: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`,
} as const;
