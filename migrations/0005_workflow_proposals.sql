CREATE TABLE `workflow_proposals` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`tag` text NOT NULL,
	`artifact_id` text NOT NULL,
	`operations` text NOT NULL,
	`summary` text NOT NULL,
	`description` text,
	`run_id` text NOT NULL,
	`node` text NOT NULL,
	`status` text NOT NULL,
	`created_at` integer NOT NULL,
	`decided_at` integer,
	`decided_by` text,
	`comments` text,
	`version` integer
);
--> statement-breakpoint
CREATE INDEX `workflow_proposals_by_tag` ON `workflow_proposals` (`tenant`,`tag`,`id`);