CREATE TABLE `artifacts` (
	`tenant` text NOT NULL,
	`id` text NOT NULL,
	`content` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant`, `id`)
);
--> statement-breakpoint
CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text,
	`queue` text NOT NULL,
	`run_id` text,
	`node` text,
	`attempts` integer NOT NULL,
	`reason` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	`redriven_at` integer
);
--> statement-breakpoint
CREATE INDEX `dead_letters_by_time` ON `dead_letters` (`created_at`);--> statement-breakpoint
CREATE TABLE `run_archives` (
	`run_id` text NOT NULL,
	`chunk` integer NOT NULL,
	`tenant` text NOT NULL,
	`data` blob NOT NULL,
	PRIMARY KEY(`run_id`, `chunk`)
);
--> statement-breakpoint
CREATE TABLE `runs` (
	`run_id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`seq` integer NOT NULL,
	`status` text NOT NULL,
	`generation` integer NOT NULL,
	`workflow` text,
	`artifact_id` text NOT NULL,
	`trigger` text NOT NULL,
	`labels` text NOT NULL,
	`priority` integer NOT NULL,
	`error_code` text,
	`error_message` text,
	`submitted_at` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`duration_ms` integer,
	`outputs` text,
	`archived_at` integer
);
--> statement-breakpoint
CREATE INDEX `runs_by_tenant` ON `runs` (`tenant`,`submitted_at`);--> statement-breakpoint
CREATE INDEX `runs_live` ON `runs` (`run_id`) WHERE "runs"."ended_at" IS NULL;--> statement-breakpoint
CREATE TABLE `tags` (
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`artifact_id` text NOT NULL,
	`version` integer NOT NULL,
	`revision` integer NOT NULL,
	`description` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant`, `name`)
);
--> statement-breakpoint
CREATE TABLE `workflow_versions` (
	`tenant` text NOT NULL,
	`tag` text NOT NULL,
	`version` integer NOT NULL,
	`artifact_id` text NOT NULL,
	`description` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant`, `tag`, `version`)
);
