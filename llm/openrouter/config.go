package openrouter

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/secret"
)

// DefaultBaseURL is OpenRouter's.
const DefaultBaseURL = "https://openrouter.ai/api/v1"

// Config describes one endpoint and the model to ask there.
type Config struct {
	APIKey  secret.Value // required by OpenRouter; absent elsewhere sends no Authorization
	BaseURL string       // https, or http to loopback; default DefaultBaseURL
	Model   string       // asked when a request names none; no default
	// AllowedModels may answer in place of the model asked, besides what
	// SameModel accepts. Default none.
	AllowedModels []string
	Dialect       Dialect // default by host: OpenRouter for openrouter.ai, otherwise Generic
	Referer       string  // URL of the app, for OpenRouter's rankings; default not sent
	AppTitle      string  // its name there; default not sent
	Routing       Routing // OpenRouter only
	// ReasoningEffort is none, minimal, low, medium, high, xhigh or max, and
	// keeps the reasoning itself out of the answer. OpenRouter only; default
	// is the model's own.
	ReasoningEffort string
	NoStream        bool // ask for one document, for servers that stream badly; default false
	// IdleTimeout bounds how long the server may send nothing but white space
	// and comments, headers included; the context bounds the whole call.
	// Default 60 s.
	IdleTimeout  time.Duration
	MaxBodyBytes int64            // bound on a body, decompressed, at most 64 MiB; default 4 MiB
	HTTPClient   *http.Client     // copied, and never follows redirects; default one of our own
	Now          func() time.Time // for stamps only; default time.Now
}

// Routing tells OpenRouter which providers of a model may serve it. The zero
// value keeps prompts from being stored, lets other providers of the model
// step in, and admits only those that honour every parameter sent.
type Routing struct {
	Order, Only, Ignore []string // provider slugs; default any
	NoFallbacks         bool     // only the first provider that qualifies
	AllowDataCollection bool     // providers may store prompts
	AnyParameters       bool     // providers may ignore parameters, the schema included
	// MaxPromptPrice and MaxCompletionPrice are USD per million tokens; a
	// dearer provider is not asked. Default no bound.
	MaxPromptPrice, MaxCompletionPrice decimal.NullDecimal
}

const (
	defaultIdleTimeout  = 60 * time.Second
	defaultMaxBodyBytes = 4 << 20
	maxBodyBytesBound   = 64 << 20
)

func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = defaultMaxBodyBytes
	}
	if c.HTTPClient == nil {
		c.HTTPClient = httpx.NewClient(httpx.ClientConfig{})
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	problems := []error{
		c.validateKey(),
		validateDialect(c.Dialect),
		validateHeader("Referer", c.Referer),
		validateHeader("AppTitle", c.AppTitle),
		validatePrice("Routing.MaxPromptPrice", c.Routing.MaxPromptPrice),
		validatePrice("Routing.MaxCompletionPrice", c.Routing.MaxCompletionPrice),
	}
	if c.Dialect.OpenRouter && strings.HasSuffix(c.Model, ":online") {
		problems = append(problems, fmt.Errorf("Model must not add web search, was %q", clipName(c.Model)))
	}
	if c.IdleTimeout < 0 {
		problems = append(problems, fmt.Errorf("IdleTimeout must be positive, was %v", c.IdleTimeout))
	}
	if c.MaxBodyBytes < 1 || c.MaxBodyBytes > maxBodyBytesBound {
		problems = append(problems, fmt.Errorf("MaxBodyBytes must be between 1 and %d, was %d", maxBodyBytesBound, c.MaxBodyBytes))
	}
	efforts := []string{"", "none", "minimal", "low", "medium", "high", "xhigh", "max"}
	if !slices.Contains(efforts, c.ReasoningEffort) {
		problems = append(problems, fmt.Errorf("ReasoningEffort must be one of %s, was %.40q", strings.Join(efforts[1:], ", "), c.ReasoningEffort))
	}
	return errors.Join(problems...)
}

func (c Config) validateKey() error {
	if c.Dialect.OpenRouter && c.APIKey.IsZero() {
		return errors.New("APIKey must be set")
	}
	for _, r := range c.APIKey.Reveal() {
		if r <= ' ' || r > '~' {
			return errors.New("APIKey must be printable ASCII without spaces")
		}
	}
	return nil
}

func validateDialect(d Dialect) error {
	if d.Name == "" {
		return errors.New("Dialect.Name must be set")
	}
	if !slices.Contains([]string{"", "max_tokens", "max_completion_tokens"}, d.MaxTokensField) {
		return fmt.Errorf("Dialect.MaxTokensField must be max_tokens, max_completion_tokens or empty, was %.40q", d.MaxTokensField)
	}
	if !slices.Contains([]Format{FormatNone, FormatObject, FormatSchema}, d.Format) {
		return fmt.Errorf("Dialect.Format must be json_object, json_schema or empty, was %.40q", d.Format)
	}
	return nil
}

func validateHeader(field, value string) error {
	for _, r := range value {
		if r < ' ' || r > '~' {
			return fmt.Errorf("%s must be printable ASCII, was %.80q", field, value)
		}
	}
	return nil
}

func validatePrice(field string, price decimal.NullDecimal) error {
	if price.Valid && price.Decimal.IsNegative() {
		return fmt.Errorf("%s must not be negative, was %s", field, price.Decimal)
	}
	return nil
}
