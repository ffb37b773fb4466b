CREATE TABLE `approvals` (
	`approval_id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`run_id` text NOT NULL,
	`node_id` text NOT NULL,
	`seq` integer NOT NULL,
	`status` text NOT NULL,
	`message` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`decided_at` integer,
	`approvers` text NOT NULL,
	`decisions` text NOT NULL,
	`quorum` integer NOT NULL,
	`on_timeout` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `approvals_by_tenant` ON `approvals` (`tenant`,`created_at`,`approval_id`);--> statement-breakpoint
CREATE INDEX `approvals_by_status` ON `approvals` (`tenant`,`status`,`created_at`,`approval_id`);--> statement-breakpoint
CREATE TABLE `job_chunks` (
	`job_id` text NOT NULL,
	`chunk` integer NOT NULL,
	`run_ids` text NOT NULL,
	`tries` integer NOT NULL,
	PRIMARY KEY(`job_id`, `chunk`)
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`action` text NOT NULL,
	`filter` text NOT NULL,
	`options` text NOT NULL,
	`status` text NOT NULL,
	`matched` integer NOT NULL,
	`done` integer NOT NULL,
	`failed` integer NOT NULL,
	`errors` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`lease_owner` text,
	`lease_until` integer
);
--> statement-breakpoint
CREATE INDEX `jobs_by_tenant` ON `jobs` (`tenant`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_unfinished` ON `jobs` (`id`) WHERE "jobs"."ended_at" IS NULL;