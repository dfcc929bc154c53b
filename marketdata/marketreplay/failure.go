package marketreplay

import (
	"context"
	"errors"
	"fmt"
)

// failure is an error in place of a snapshot: a context's, or the type of
// another.
type failure struct {
	Context contextError `json:"context,omitempty"`
	Type    string       `json:"type,omitempty"` // of an error that is none
}

// contextError names the error of a context. Empty is none.
type contextError string

const (
	contextCanceled contextError = "canceled"
	contextDeadline contextError = "deadline_exceeded"
)

func (f *failure) check() error {
	switch {
	case (f.Context == "") == (f.Type == ""):
		return errors.New("error must have a context or else a type")
	case f.Context != "" && f.Context != contextCanceled && f.Context != contextDeadline:
		return fmt.Errorf("error.context must be %s or %s, was %.40q", contextCanceled, contextDeadline, f.Context)
	}
	return nil
}

// describe takes of an error what a recording may hold. An error of unknown
// type could say anything, a secret included, so only its type is kept.
func describe(err error) *failure {
	switch {
	case errors.Is(err, context.Canceled):
		return &failure{Context: contextCanceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{Context: contextDeadline}
	default:
		return &failure{Type: fmt.Sprintf("%T", err)}
	}
}

// err is the error again.
func (f *failure) err() error {
	switch f.Context {
	case contextCanceled:
		return fmt.Errorf("marketreplay: %w", context.Canceled)
	case contextDeadline:
		return fmt.Errorf("marketreplay: %w", context.DeadlineExceeded)
	default:
		return &OtherError{Type: f.Type}
	}
}

// OtherError stands for a recorded error that was no context's, of which
// nothing but the type was written down.
type OtherError struct{ Type string }

// Error names the type.
func (e *OtherError) Error() string {
	return fmt.Sprintf("marketreplay: the recorded query failed with a %.200q, of which nothing else was recorded", e.Type)
}
