package app

import (
	"context"

	"github.com/ballast-go/ballast/decision"
)

// Validate checks a decision of a person or another program against the
// market and the account of the request. Nothing is recorded, and no model is
// asked. The errors are those of Decide.
func (a *App) Validate(ctx context.Context, req decision.Request, d decision.Decision) (decision.Validation, error) {
	return a.engine.Validate(ctx, req, d)
}
