package decision

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// maxPromptBytes bounds a strategy's prompt, before and after execution.
const maxPromptBytes = 16 << 10

var errPromptTooLong = errors.New("the executed prompt is longer than 16 KiB")

// checkPrompt executes the template over an empty Input, so that a field that
// does not exist is found when the strategy is loaded.
func (s Strategy) checkPrompt() error {
	_, err := s.renderPrompt(Input{Strategy: s})
	return err
}

// renderPrompt is the strategy's prompt for an Input.
func (s Strategy) renderPrompt(in Input) (string, error) {
	if !strings.Contains(s.Prompt, "{{") {
		return s.Prompt, nil
	}
	t, err := parsePrompt(s.Prompt)
	if err != nil {
		return "", err
	}
	return executePrompt(t, in)
}

func parsePrompt(text string) (*template.Template, error) {
	t, err := template.New("prompt").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return t, nil
}

func executePrompt(t *template.Template, in Input) (string, error) {
	var w boundedWriter
	if err := t.Execute(&w, in); err != nil {
		return "", err
	}
	return w.String(), nil
}

// boundedWriter ends a template that loops its way to a huge prompt.
type boundedWriter struct{ strings.Builder }

func (w *boundedWriter) Write(p []byte) (int, error) {
	if w.Len()+len(p) > maxPromptBytes {
		return 0, errPromptTooLong
	}
	return w.Builder.Write(p)
}
