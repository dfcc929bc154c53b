package openrouter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm"
)

// ModelInfo is one entry of the endpoint's list of models. Zero and null
// fields were not published.
type ModelInfo struct {
	ID                  string
	CanonicalSlug       string // the snapshot behind ID
	ContextLength       int    // tokens
	MaxCompletionTokens int
	ExpiresAt           time.Time // UTC; when the model goes away
	SupportedParameters []string  // "response_format", "structured_outputs", "temperature", …
	// PromptUSD and CompletionUSD are per token, RequestUSD per request; null
	// as well when a router's price depends on what it picks.
	PromptUSD, CompletionUSD, RequestUSD decimal.NullDecimal
}

const (
	maxModelPages = 20
	maxModels     = 10_000
)

type wireModels struct {
	Data []struct {
		ID            text  `json:"id"`
		CanonicalSlug text  `json:"canonical_slug"`
		ContextLength count `json:"context_length"`
		TopProvider   *struct {
			MaxCompletionTokens count `json:"max_completion_tokens"`
		} `json:"top_provider"`
		ExpirationDate      text   `json:"expiration_date"`
		SupportedParameters []text `json:"supported_parameters"`
		Pricing             *struct {
			Prompt     price `json:"prompt"`
			Completion price `json:"completion"`
			Request    price `json:"request"`
		} `json:"pricing"`
	} `json:"data"`
	Links *struct {
		Next text `json:"next"`
	} `json:"links"`
}

// Models lists what the endpoint offers, at most 10,000 models. Errors are as
// for Complete.
func (c *Client) Models(ctx context.Context) ([]ModelInfo, error) {
	models, err := c.models(ctx)
	for i := range models {
		c.scrubModel(&models[i])
	}
	return models, c.scrubError(err)
}

func (c *Client) models(ctx context.Context) ([]ModelInfo, error) {
	call := call{client: c}
	watch := startIdle(ctx, c.cfg.IdleTimeout)
	defer watch.stop()
	var models []ModelInfo
	page := c.base.JoinPath("models")
	for range maxModelPages {
		next, err := call.listPage(watch, page, &models)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, fmt.Errorf("openrouter: %w", ctx.Err())
		case err != nil:
			return nil, call.failed(watch, err)
		case next == nil:
			return models, nil
		}
		page = next
	}
	return nil, call.fail(llm.KindMalformed, 0, fmt.Sprintf("the list of models exceeds %d pages", maxModelPages))
}

func (c *call) listPage(watch *idle, page *url.URL, models *[]ModelInfo) (*url.URL, error) {
	httpReq, err := http.NewRequestWithContext(watch.ctx, http.MethodGet, page.String(), nil)
	if err != nil {
		return nil, err
	}
	c.client.setHeaders(httpReq.Header)
	resp, err := c.client.cfg.HTTPClient.Do(httpReq)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // the body was read as far as it is wanted
	if resp.StatusCode != http.StatusOK {
		return nil, c.failStatus(watch, resp)
	}
	data, err := httpx.ReadAll(&activity{from: resp.Body, watch: watch}, c.client.cfg.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	var list wireModels
	if err := decode(data, &list); err != nil {
		return nil, c.failDecode(err, "")
	}
	if list.Data == nil {
		return nil, c.fail(llm.KindMalformed, 0, "the list of models has no data")
	}
	if err := c.appendModels(models, &list); err != nil {
		return nil, err
	}
	if list.Links == nil || list.Links.Next == "" {
		return nil, nil //nolint:nilnil // nil is the page after the last
	}
	return c.nextPage(page, string(list.Links.Next))
}

// nextPage stays on the host: the key goes along.
func (c *call) nextPage(page *url.URL, link string) (*url.URL, error) {
	next, err := page.Parse(link)
	if err != nil || next.Scheme != page.Scheme || next.Host != page.Host || next.User != nil {
		return nil, c.fail(llm.KindMalformed, 0, "the list of models goes on at another host")
	}
	return next, nil
}

func (c *call) appendModels(models *[]ModelInfo, list *wireModels) error {
	if len(*models)+len(list.Data) > maxModels {
		return c.fail(llm.KindMalformed, 0, fmt.Sprintf("the list of models exceeds %d", maxModels))
	}
	for i := range list.Data {
		entry := &list.Data[i]
		expires, err := parseExpiration(string(entry.ExpirationDate))
		if err != nil {
			return c.fail(llm.KindMalformed, 0, fmt.Sprintf("data[%d].expiration_date is not a date", i))
		}
		info := ModelInfo{
			ID: string(entry.ID), CanonicalSlug: string(entry.CanonicalSlug), ContextLength: int(entry.ContextLength), ExpiresAt: expires,
		}
		for _, parameter := range entry.SupportedParameters {
			info.SupportedParameters = append(info.SupportedParameters, string(parameter))
		}
		if entry.TopProvider != nil {
			info.MaxCompletionTokens = int(entry.TopProvider.MaxCompletionTokens)
		}
		if entry.Pricing != nil {
			info.PromptUSD = decimal.NullDecimal(entry.Pricing.Prompt)
			info.CompletionUSD = decimal.NullDecimal(entry.Pricing.Completion)
			info.RequestUSD = decimal.NullDecimal(entry.Pricing.Request)
		}
		*models = append(*models, info)
	}
	return nil
}

func parseExpiration(date string) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, date); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not a date")
}
