/** A queue's batch whose messages count what becomes of them. */
import { queueBatchSize, queueMessages } from "#telemetry/catalogue/traffic-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";

/** `taken`: what an acknowledged message counts as. */
export function measuredBatch(batch: MessageBatch, taken: "ack" | "dlq", recorder: MetricRecorder): MessageBatch {
  const { queue } = batch;
  const count = (action: string, by = 1) => recorder.count(queueMessages, [queue, action], by);
  recorder.observe(queueBatchSize, [queue], batch.messages.length);
  return {
    queue,
    metadata: batch.metadata,
    messages: batch.messages.map((message) => ({
      id: message.id,
      timestamp: message.timestamp,
      body: message.body,
      attempts: message.attempts,
      ack() {
        count(taken);
        message.ack();
      },
      retry(options) {
        count("retry");
        message.retry(options);
      },
    })),
    ackAll() {
      count(taken, batch.messages.length);
      batch.ackAll();
    },
    retryAll(options) {
      count("retry", batch.messages.length);
      batch.retryAll(options);
    },
  };
}
