package openrouter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/internal/jsonx"
	"github.com/ballast-go/ballast/llm"
)

type wireRequest struct {
	Model               string              `json:"model"`
	Messages            []llm.Message       `json:"messages"`
	ResponseFormat      *responseFormat     `json:"response_format,omitzero"`
	MaxTokens           int                 `json:"max_tokens,omitzero"`
	MaxCompletionTokens int                 `json:"max_completion_tokens,omitzero"`
	Temperature         decimal.NullDecimal `json:"temperature,omitzero"` // zero is absent; a valid 0 is sent
	Seed                *int64              `json:"seed,omitzero"`
	User                string              `json:"user,omitzero"`
	Reasoning           *reasoning          `json:"reasoning,omitzero"`
	Provider            *providerPrefs      `json:"provider,omitzero"`
	Plugins             []plugin            `json:"plugins,omitzero"`
	Stream              bool                `json:"stream"`
	StreamOptions       *streamOptions      `json:"stream_options,omitzero"`
}

type responseFormat struct {
	Type       Format      `json:"type"`
	JSONSchema *jsonSchema `json:"json_schema,omitzero"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type reasoning struct {
	Effort  string `json:"effort"`
	Exclude bool   `json:"exclude"`
}

type providerPrefs struct {
	Order             []string  `json:"order,omitempty"`
	Only              []string  `json:"only,omitempty"`
	Ignore            []string  `json:"ignore,omitempty"`
	AllowFallbacks    bool      `json:"allow_fallbacks"`
	RequireParameters bool      `json:"require_parameters"`
	DataCollection    string    `json:"data_collection"`
	MaxPrice          *maxPrice `json:"max_price,omitzero"`
}

// maxPrice holds strings, as OpenRouter's OpenAPI document has them.
type maxPrice struct {
	Prompt     string `json:"prompt,omitzero"`
	Completion string `json:"completion,omitzero"`
}

type plugin struct {
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// errFormat is a format that the dialect does not know.
var errFormat = errors.New("the endpoint does not take the format")

func encodeRequest(cfg *Config, req llm.Request) ([]byte, error) {
	if err := validateRequest(cfg.Dialect, req); err != nil {
		return nil, err
	}
	format, err := formatOf(cfg.Dialect, req)
	if err != nil {
		return nil, err
	}
	wire := wireRequest{
		Model: req.Model, Messages: req.Messages, Temperature: req.Temperature, Stream: !cfg.NoStream, ResponseFormat: format,
	}
	dialect := cfg.Dialect
	switch dialect.MaxTokensField {
	case "max_tokens":
		wire.MaxTokens = req.MaxTokens
	case "max_completion_tokens":
		wire.MaxCompletionTokens = req.MaxTokens
	}
	if dialect.Seed {
		wire.Seed = req.Seed
	}
	if dialect.User {
		wire.User = req.User
	}
	if wire.Stream && dialect.StreamUsage {
		wire.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if dialect.OpenRouter {
		wire.addOpenRouter(cfg)
	}
	body, err := jsonx.Marshal(wire)
	if err != nil {
		return nil, errors.New("its text or schema cannot be encoded as JSON") // the encoder's error may quote the prompt
	}
	return body, nil
}

// formatOf asks for what the request names, or for the best that the dialect
// knows; what it does not know is refused with errFormat.
func formatOf(dialect Dialect, req llm.Request) (*responseFormat, error) {
	if req.Schema == nil || req.Format == llm.FormatText {
		return nil, nil //nolint:nilnil // nil asks for no format
	}
	format := dialect.Format
	switch req.Format {
	case "":
	case llm.FormatObject:
		if format == FormatNone {
			return nil, fmt.Errorf("%w %q", errFormat, req.Format)
		}
		format = FormatObject
	case llm.FormatSchema:
		if format != FormatSchema {
			return nil, fmt.Errorf("%w %q", errFormat, req.Format)
		}
	default:
		return nil, fmt.Errorf("format must be json_schema, json_object, text or empty, was %.40q", req.Format)
	}
	switch format {
	case FormatNone:
		return nil, nil //nolint:nilnil // nil asks for no format
	case FormatObject:
		return &responseFormat{Type: FormatObject}, nil
	default:
		return &responseFormat{
			Type: FormatSchema, JSONSchema: &jsonSchema{Name: req.Schema.Name, Strict: true, Schema: req.Schema.JSON},
		}, nil
	}
}

// addOpenRouter switches off, in each request, the plugins that an account may
// have switched on and that change the prompt or the answer.
func (w *wireRequest) addOpenRouter(cfg *Config) {
	w.Plugins = []plugin{{ID: "context-compression"}, {ID: "web"}, {ID: "response-healing"}}
	if cfg.ReasoningEffort != "" {
		w.Reasoning = &reasoning{Effort: cfg.ReasoningEffort, Exclude: true}
	}
	routing := cfg.Routing
	w.Provider = &providerPrefs{
		Order: routing.Order, Only: routing.Only, Ignore: routing.Ignore,
		AllowFallbacks: !routing.NoFallbacks, RequireParameters: !routing.AnyParameters, DataCollection: "deny",
	}
	if routing.AllowDataCollection {
		w.Provider.DataCollection = "allow"
	}
	if price := (maxPrice{Prompt: priceText(routing.MaxPromptPrice), Completion: priceText(routing.MaxCompletionPrice)}); price != (maxPrice{}) {
		w.Provider.MaxPrice = &price
	}
}

func priceText(price decimal.NullDecimal) string {
	if !price.Valid {
		return ""
	}
	return price.Decimal.String()
}

func validateRequest(dialect Dialect, req llm.Request) error {
	switch {
	case req.Model == "":
		return errors.New("neither it nor the client names a model")
	case dialect.OpenRouter && strings.HasSuffix(req.Model, ":online"):
		return fmt.Errorf("model must not add web search, was %q", clipName(req.Model))
	case len(req.Messages) == 0:
		return errors.New("messages must not be empty")
	case req.MaxTokens < 0:
		return fmt.Errorf("max_tokens must not be negative, was %d", req.MaxTokens)
	case req.Temperature.Valid && (req.Temperature.Decimal.IsNegative() || req.Temperature.Decimal.GreaterThan(decimal.NewFromInt(2))):
		return fmt.Errorf("temperature must be between 0 and 2, was %s", req.Temperature.Decimal)
	}
	for i, message := range req.Messages {
		switch message.Role {
		case llm.RoleSystem, llm.RoleUser, llm.RoleAssistant:
		default:
			return fmt.Errorf("messages[%d].role must be system, user or assistant, was %.20q", i, message.Role)
		}
	}
	if req.Schema != nil {
		return validateSchema(req.Schema)
	}
	return nil
}

func validateSchema(schema *llm.Schema) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	if schema.Name == "" || len(schema.Name) > 64 || strings.Trim(schema.Name, letters) != "" {
		return fmt.Errorf("schema.name must be 1 to 64 of A-Z a-z 0-9 _ -, was %.70q", schema.Name)
	}
	if len(schema.JSON) == 0 {
		return errors.New("schema.json must be set")
	}
	return nil
}
