package migrations

import "context"

// Hold runs f under the lock.
func Hold(ctx context.Context, m *Migrator, f func(context.Context) error) error {
	return m.lock(ctx, f)
}

// WithSteps is a configuration with other steps than the embedded ones.
func WithSteps(cfg Config, steps []Migration) Config {
	cfg.steps = steps
	return cfg
}

// Parse reads a migration from the text of a file.
func Parse(file, text string) (Migration, error) { return parse(file, text) }
