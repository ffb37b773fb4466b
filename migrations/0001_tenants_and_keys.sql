CREATE TABLE `keys` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`digest` text NOT NULL,
	`prefix` text NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `keys_by_digest` ON `keys` (`digest`);--> statement-breakpoint
CREATE INDEX `keys_by_tenant` ON `keys` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text,
	`created_at` integer NOT NULL,
	`deleted_at` integer
);
