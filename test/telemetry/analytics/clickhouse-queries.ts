/** Queries that ClickHouse and Weir are both asked. Every function and clause is among them; see functions.test.ts. */

/** Expressions over the rows of a dataset, each selected beside what orders it. */
const EXPRESSIONS = [
  // Arithmetic, with the types that it gives.
  "double1 + 1, double1 - double2, double1 * 2, double1 / 4, double1 % 7",
  "1 + 2, 1 - 2, 255 * 255, 7 / 2, 7 % 4, -7 % 4, -5, 0 - 5, 2 * -3",
  "_sample_interval + 1, _sample_interval - 1, _sample_interval * 3, _sample_interval % 3, -_sample_interval",
  "intDiv(7, 2), intDiv(-7, 2), intDiv(_sample_interval, 3), intDiv(toUInt32(timestamp), 300) * 300",
  "1 / 0 > 1, 0.5 + 0.25, 1e3, .5",
  // Comparisons and conditions.
  "double1 > 50, double1 >= double2, double3 = 100, double3 != 100, double1 < 20, double1 <= 20",
  "blob5 = 'GET', blob5 <> 'ok', blob5 < 'a', blob5 >= 'a', blob5 = blob6",
  "double3 > 50 AND double3 < 100, double3 < 10 OR double3 > 190, NOT double3 > 100, NOT (double3 > 100 OR blob5 = 'ok')",
  "true, false, true AND false, NOT true",
  "double3 IN (1, 2, 3), double3 NOT IN (1, 2, 3.0), blob5 IN ('GET', 'ok'), blob5 NOT IN ('GET'), 5 IN (5)",
  "double3 BETWEEN 10 AND 20, double3 NOT BETWEEN 10 AND 20, timestamp BETWEEN toDateTime(1793577600) AND toDateTime(1794577600)",
  "blob5 LIKE '%e%', blob5 LIKE 'Get%', blob5 LIKE '%rror', blob5 LIKE 'a_b', blob5 LIKE 'a\\_b', blob5 LIKE 'a\\%b', blob5 LIKE ''",
  "blob5 NOT LIKE '%e%', blob5 ILIKE 'get%', blob5 ILIKE '%ÄRGER%', blob5 NOT ILIKE '%e%', blob5 LIKE '_rger', blob5 LIKE '%%'",
  "blob7 LIKE 'run_1%9', blob5 LIKE '%\\n%', blob5 LIKE '%l_'",
  "if(double1 > 50, 'slow', 'fast'), if(double1 > 50, 1, 2.5), if(double3 > 100, 1, -1), if(blob5 = 'ok', blob6, blob8)",
  "if(double3 = 0, 0, intDiv(100, toUInt8(double3))), double3 != 0 AND intDiv(100, toUInt8(double3)) > 1",
  "timestamp > '2026-12-01 00:00:00', timestamp = timestamp, timestamp >= toDateTime('2026-12-01 00:00:00')",
  // Mathematics.
  "log(double1), ln(double2), pow(double4, 2), pow(2, 0.5), log(1), pow(0, 0)",
  "round(double1), round(double1, 2), round(2.5), round(3.5), round(-2.5), round(5.5), round(3.14, 1), round(1234.5, -2)",
  "floor(double1), floor(double1, 1), floor(-1.5), floor(3.14, 1), ceil(double1), ceil(double1, 1), ceil(-1.5), ceil(3.14, 1)",
  "round(1250, -2), round(1350, -2), floor(1299, -2), ceil(1201, -2), round(7), round(7, 2)",
  // Conversion.
  "toUInt8(double3), toUInt32(double1), toUInt8('12'), toUInt32('4000000'), toUInt8(300), toUInt32(timestamp), toUInt8(1.9)",
  // Bits.
  "bitAnd(5, 3), bitOr(5, 3), bitXor(5, 3), bitNot(5), bitNot(-5), bitAnd(_sample_interval, 2), bitXor(300, -1)",
  "bitShiftLeft(1, 3), bitShiftLeft(128, 1), bitShiftRight(12, 2), bitShiftRight(-8, 1), bitShiftLeft(70000, 2)",
  "bitRotateLeft(128, 1), bitRotateRight(1, 1), bitRotateRight(12, 2), bitRotateLeft(300, 9), bitRotateLeft(70000, 31)",
  "bitTest(3, 1), bitTest(2, 0), bitTest(_sample_interval, 1), bitCount(255), bitCount(-1), bitCount(double1), bitCount(toUInt32(double1))",
  "bitHammingDistance(1, 1), bitHammingDistance(3, 0), bitHammingDistance(_sample_interval, 3)",
  // Strings.
  "length(blob5), empty(blob5), lower(blob5), upper(blob5), lowerUTF8(blob5), upperUTF8(blob5), toLower(blob6), toUpper(blob6)",
  "startsWith(blob5, 'Get'), endsWith(blob5, 'r'), startsWith(blob5, ''), endsWith(blob5, blob5)",
  "position('e' IN blob5), position('' IN blob5), position('🌊' IN blob5), position(blob5 IN 'GetUser')",
  "substring(blob5, 2), substring(blob5, 2, 3), substring(blob5, -2), substring(blob5, -3, 2), substring(blob5, 100), substring(blob5, 1, 0)",
  "substring('hello: world', 1, position(':' IN 'hello: world') - 1), substring('naïve 🌊', 3, 5)",
  "format('{} is {}', blob5, blob6), format('{}', double3), format('{}', double1), format('{}', timestamp), format('{}{}', 1, 'a')",
  "hex('abc'), hex(1), hex(255), hex(65535), hex(_sample_interval), hex(1.5), hex(blob5), hex(0)",
  "bin('abc'), bin(1), bin(255), bin(65535), bin(_sample_interval), bin(1.5), bin(0)",
  // Moments.
  "toUnixTimestamp(timestamp), toDateTime(1793577600), toDateTime('2026-11-02 03:04:05'), toDateTime(double3 + 1793577600)",
  "toDateTime('2026-07-01 12:00:00', 'America/New_York'), toDateTime('2026-11-02 03:04:05', 'Asia/Kolkata')",
  "toYear(timestamp), toMonth(timestamp), toDayOfMonth(timestamp), toDayOfWeek(timestamp), toHour(timestamp), toMinute(timestamp), toSecond(timestamp), toYYYYMM(timestamp)",
  "extract(YEAR FROM timestamp), extract(MONTH FROM timestamp), extract(DAY FROM timestamp), extract(HOUR FROM timestamp), extract(MINUTE FROM timestamp), extract(SECOND FROM timestamp)",
  "toHour(toDateTime('2026-07-01 12:00:00', 'America/New_York')), toYear(toDateTime(0, 'America/New_York'))",
  "toStartOfYear(timestamp), toStartOfMonth(timestamp), toStartOfWeek(timestamp), toStartOfDay(timestamp), toStartOfHour(timestamp)",
  "toStartOfFifteenMinutes(timestamp), toStartOfTenMinutes(timestamp), toStartOfFiveMinutes(timestamp), toStartOfMinute(timestamp)",
  "toStartOfInterval(timestamp, INTERVAL '15' MINUTE), toStartOfInterval(timestamp, INTERVAL '6' HOUR), toStartOfInterval(timestamp, INTERVAL '1' DAY), toStartOfInterval(timestamp, INTERVAL '3' DAY)",
  "toStartOfInterval(timestamp, INTERVAL '30' SECOND), toStartOfInterval(timestamp, INTERVAL '1' MONTH), toStartOfInterval(timestamp, INTERVAL '1' YEAR), toStartOfInterval(timestamp, INTERVAL '5' MONTH), toStartOfInterval(timestamp, INTERVAL '2' YEAR)",
  "toStartOfInterval(timestamp, INTERVAL '1' DAY, 'America/New_York'), toStartOfInterval(timestamp, INTERVAL '1' HOUR, 'Asia/Kolkata')",
  "timestamp + INTERVAL '1' HOUR, timestamp - INTERVAL '90' MINUTE, timestamp + INTERVAL '1' DAY, timestamp + INTERVAL '1' MONTH, timestamp - INTERVAL '1' YEAR, timestamp + INTERVAL '30' SECOND",
  "toDateTime('2026-01-31 10:00:00') + INTERVAL '1' MONTH, toDateTime('2024-02-29 10:00:00') + INTERVAL '1' YEAR",
  "toDateTime('2026-03-07 12:00:00', 'America/New_York') + INTERVAL '1' DAY, toDateTime('2026-03-07 12:00:00', 'America/New_York') + INTERVAL '24' HOUR",
  "timestamp + 60, timestamp - 60, timestamp - toDateTime(1793577600)",
  "formatDateTime(timestamp, '%Y-%m-%d %H:%i:%S'), formatDateTime(timestamp, '%a %b %c %C %d %D %e %F %g %G %h %I %j %k %l'), formatDateTime(timestamp, '%M %p %Q %r %R %s %T %u %V %w %W %y %z %%')",
  "formatDateTime(timestamp, '%Y-%m-%d %H', 'America/New_York'), formatDateTime(toDateTime('2022-12-01 16:17:00', 'America/New_York'), '%Y-%m-%d %H:%i %z'), formatDateTime(toDateTime('2022-12-01 16:17:00', 'America/New_York'), '%H', 'Etc/UTC')",
  "toStartOfMonth(timestamp) + INTERVAL '1' DAY, toStartOfDay(toStartOfMonth(timestamp)), toStartOfMonth(timestamp) > '2026-11-15', today() - today(), toStartOfMonth(timestamp) + 3",
];

const W = "timestamp > toDateTime('2026-11-10 00:00:00')";

const CLAUSES = [
  "SELECT * FROM weir_node ORDER BY blob7 LIMIT 20",
  "SELECT blob7, double1 FROM weir_node ORDER BY double1 DESC, blob7 LIMIT 10 OFFSET 5",
  "SELECT blob7 FROM weir_node WHERE double3 > 150 AND blob5 LIKE '%e%' ORDER BY blob7 LIMIT ALL",
  "SELECT blob5 AS word, count() AS n FROM weir_node GROUP BY word ORDER BY n DESC, word",
  "SELECT blob5, blob6, count() AS n, sum(_sample_interval) AS weight FROM weir_node GROUP BY blob5, blob6 ORDER BY blob5, blob6",
  "SELECT node_type, outcome, count() AS n FROM weir_node GROUP BY node_type, outcome ORDER BY node_type, outcome",
  "SELECT count(), count(DISTINCT blob5), count(DISTINCT double3), sum(double1), sum(DISTINCT double3), avg(double1), avg(DISTINCT double3), min(double1), max(double1), min(blob5), max(blob5), min(timestamp), max(timestamp) FROM weir_node",
  "SELECT count(*) AS n, sum(_sample_interval), sum(double4), sum(toUInt8(double4)), sum(-_sample_interval) FROM weir_node",
  "SELECT countIf(double1 > 50), sumIf(double1, blob5 = 'ok'), avgIf(double1, blob5 = 'ok'), sumIf(_sample_interval, double3 > 10) FROM weir_node",
  "SELECT quantileExactWeighted(0.5)(double1, _sample_interval), quantileExactWeighted(0.95)(double1, _sample_interval), quantileExactWeighted(0.99)(double1, _sample_interval), quantileExactWeighted(0)(double1, _sample_interval), quantileExactWeighted(1)(double1, _sample_interval) FROM weir_node",
  "SELECT quantileWeighted(0.9, double3, _sample_interval), quantileExactWeighted(0.5)(timestamp, _sample_interval), quantileExactWeighted(0.5)(_sample_interval, 1) FROM weir_node",
  "SELECT blob5 AS w, quantileExactWeighted(0.25)(double2, _sample_interval) AS q FROM weir_node GROUP BY w ORDER BY w",
  "SELECT argMax(blob7, double1), argMin(blob7, double1), argMax(double1, blob7), argMin(timestamp, double2) FROM weir_node",
  "SELECT first_value(blob20), last_value(blob20), first_value(double20), last_value(double20) FROM weir_node",
  "SELECT topK(1)(index1), topKWeighted(1)(index1, _sample_interval), topK(blob20), topKWeighted(3)(double20, _sample_interval) FROM weir_node",
  "SELECT blob5 AS w, avg(double1) AS mean FROM weir_node GROUP BY w HAVING mean > 70 ORDER BY w",
  "SELECT blob5 AS w FROM weir_node GROUP BY w HAVING count() > 240 AND max(double1) > 100 ORDER BY w",
  "SELECT blob5 FROM weir_node GROUP BY blob5 ORDER BY sum(double1) DESC LIMIT 3",
  "SELECT toStartOfInterval(timestamp, INTERVAL '7' DAY) AS t, count() AS n, avg(double1) AS mean FROM weir_node GROUP BY t ORDER BY t",
  "SELECT intDiv(toUInt32(timestamp), 86400) * 86400 AS t, blob5 AS w, count() AS n FROM weir_node GROUP BY t, w ORDER BY t, w LIMIT 50",
  "SELECT if(double1 <= 20, 20, if(double1 <= 50, 50, 999)) AS bucket, sum(_sample_interval) AS n FROM weir_node GROUP BY bucket ORDER BY bucket",
  "SELECT upper(blob5) AS w, length(w) AS size, count() * 2 + 1 AS n FROM weir_node GROUP BY w ORDER BY w, size",
  "SELECT sum(double1) / sum(_sample_interval) AS mean, 100 * sumIf(_sample_interval, blob12 = 'failed') / sum(_sample_interval) AS failed FROM weir_node WHERE " +
    W,
  "SELECT max(n), min(n), sum(n) FROM (SELECT blob5 AS w, count() AS n FROM weir_node GROUP BY w)",
  "SELECT w, n FROM (SELECT blob5 AS w, sum(_sample_interval) AS n FROM weir_node WHERE double1 > 30 GROUP BY w) WHERE n > 100 ORDER BY n DESC, w LIMIT 3",
  "SELECT count() FROM (SELECT * FROM weir_node ORDER BY timestamp, blob7 LIMIT 100) WHERE timestamp > toDateTime('2026-11-04 00:00:00')",
  "SELECT a + 1 AS b FROM (SELECT double1 AS a, timestamp FROM weir_node WHERE double3 = 7) WHERE timestamp > toDateTime('2026-11-20 00:00:00') ORDER BY b",
  "SELECT avg(mean) FROM (SELECT day, avg(v) AS mean FROM (SELECT toStartOfDay(timestamp) AS day, double1 AS v FROM weir_node) GROUP BY day)",
  "SELECT 'Hello' AS message, 1 + 1 AS two",
  "SELECT count(), sum(double1), avg(double1), min(double1), max(blob1), min(timestamp), quantileExactWeighted(0.5)(double1, _sample_interval), quantileExactWeighted(0.5)(_sample_interval, 1), topK(blob1), argMax(blob1, double1), count(DISTINCT blob1), first_value(blob1), avg(DISTINCT double1) FROM weir_run",
  "SELECT blob1, count() FROM weir_run GROUP BY blob1",
  "SELECT double1 * 2 AS double1 FROM weir_node WHERE blob7 = 'run_5'",
  "SELECT blob1 AS tenant, count() AS n FROM weir_node WHERE tenant != 'acme' GROUP BY tenant ORDER BY tenant",
  "SELECT blob7 FROM weir_node WHERE timestamp >= toDateTime('2026-11-05 00:00:00') AND timestamp < toDateTime('2026-11-06 00:00:00') AND toDateTime('2026-11-05 12:00:00') > timestamp ORDER BY blob7",
  "SELECT count() AS n FROM weir_node WHERE timestamp - INTERVAL '1' DAY > toDateTime('2026-11-20 00:00:00') OR double1 < 30",
];

export const QUERIES: readonly string[] = [
  ...EXPRESSIONS.map(
    (list) => `SELECT ${list} FROM weir_node WHERE toUInt32(double3) % 20 = 1 ORDER BY blob7 LIMIT 40`,
  ),
  ...CLAUSES,
];
