CREATE TABLE `agent_conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`text` text NOT NULL,
	`kept_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `agent_conversations_by_age` ON `agent_conversations` (`kept_at`);--> statement-breakpoint
CREATE TABLE `cached_results` (
	`tenant` text NOT NULL,
	`key` text NOT NULL,
	`worker` text NOT NULL,
	`run_id` text NOT NULL,
	`node` text NOT NULL,
	`output` text NOT NULL,
	`bytes` integer NOT NULL,
	`hits` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`tenant`, `key`)
);
--> statement-breakpoint
CREATE INDEX `cached_results_by_expiry` ON `cached_results` (`expires_at`);--> statement-breakpoint
CREATE TABLE `llm_calls` (
	`call_id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`run_id` text NOT NULL,
	`workflow` text,
	`node` text NOT NULL,
	`visit` integer NOT NULL,
	`attempt` integer NOT NULL,
	`turn` integer NOT NULL,
	`at` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`provider` text NOT NULL,
	`requested_model` text NOT NULL,
	`answered_model` text,
	`input_tokens` integer,
	`cached_tokens` integer,
	`cache_write_tokens` integer,
	`output_tokens` integer,
	`reasoning_tokens` integer,
	`cost_usd` real,
	`price_version` text,
	`time_to_first_token_ms` integer,
	`finish_reason` text,
	`tool_calls` integer NOT NULL,
	`outcome` text NOT NULL,
	`http_status` integer
);
--> statement-breakpoint
CREATE INDEX `llm_calls_by_tenant` ON `llm_calls` (`tenant`,`at`);--> statement-breakpoint
CREATE INDEX `llm_calls_by_run` ON `llm_calls` (`run_id`);--> statement-breakpoint
CREATE INDEX `llm_calls_by_workflow` ON `llm_calls` (`tenant`,`workflow`,`at`);