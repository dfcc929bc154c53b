package openrouter

import (
	"errors"
	"regexp"

	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/secret"
)

// minKeyLength is that of the shortest key that is looked for in answers: a
// shorter one would be found in ordinary words.
const minKeyLength = 8

// scrub takes the key out of everything that a server sent, in whatever case:
// one that echoes what it received must not get it into records and logs.
func (c *Client) scrub(resp llm.Response) llm.Response {
	for _, field := range [...]*string{&resp.ID, &resp.Provider, &resp.Model, &resp.Content, &resp.Refusal} {
		*field = c.withoutKey(*field)
	}
	resp.FinishReason = llm.FinishReason(c.withoutKey(string(resp.FinishReason)))
	return resp
}

func (c *Client) scrubModel(info *ModelInfo) {
	info.ID, info.CanonicalSlug = c.withoutKey(info.ID), c.withoutKey(info.CanonicalSlug)
	for i, parameter := range info.SupportedParameters {
		info.SupportedParameters[i] = c.withoutKey(parameter)
	}
}

func (c *Client) scrubError(err error) error {
	var failure *llm.Error
	if errors.As(err, &failure) {
		for _, field := range [...]*string{&failure.Message, &failure.Model, &failure.GenerationID} {
			*field = c.withoutKey(*field)
		}
	}
	return err
}

func (c *Client) withoutKey(text string) string {
	key := c.cfg.APIKey.Reveal()
	if len(key) < minKeyLength || len(text) < len(key) {
		return text
	}
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(key)).ReplaceAllLiteralString(text, secret.Redacted)
}
