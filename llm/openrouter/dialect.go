package openrouter

import (
	"net/url"
	"strings"
)

// Format is how an endpoint takes the schema of an answer.
type Format string

// The formats. The zero value sends none, and the prompt alone asks for JSON.
const (
	FormatNone   Format = ""
	FormatObject Format = "json_object" // any JSON object
	FormatSchema Format = "json_schema" // the schema, strict
)

// Dialect tells what an endpoint understands; nothing else is sent to it. The
// zero value asks New to choose by host.
type Dialect struct {
	Name string // for people; required in a dialect of your own
	// MaxTokensField names the field of the bound on an answer:
	// "max_completion_tokens" or "max_tokens". Empty sends none.
	MaxTokensField string
	Format         Format // what a request with a schema asks for
	StreamUsage    bool   // usage in a stream must be asked for by stream_options
	Seed           bool   // takes seed
	User           bool   // takes user
	// OpenRouter sends what only OpenRouter knows: provider preferences,
	// plugins switched off, reasoning effort, and its headers.
	OpenRouter bool
}

// OpenRouter is openrouter.ai, which always reports usage.
func OpenRouter() Dialect {
	return Dialect{
		Name: "openrouter", MaxTokensField: "max_completion_tokens", Format: FormatSchema, Seed: true, User: true, OpenRouter: true,
	}
}

// OpenAI is api.openai.com.
func OpenAI() Dialect {
	return Dialect{
		Name: "openai", MaxTokensField: "max_completion_tokens", Format: FormatSchema, StreamUsage: true, Seed: true, User: true,
	}
}

// NanoGPT is nano-gpt.com, where provider preferences would switch to pay as
// you go.
func NanoGPT() Dialect {
	return Dialect{Name: "nanogpt", MaxTokensField: "max_tokens", Format: FormatSchema, StreamUsage: true, Seed: true}
}

// DeepSeek is api.deepseek.com, which has a JSON mode but no schemas.
func DeepSeek() Dialect {
	return Dialect{Name: "deepseek", MaxTokensField: "max_tokens", Format: FormatObject, StreamUsage: true}
}

// Ollama is a local Ollama. It cuts a prompt beyond its context without an
// error: compare Usage.PromptTokens with what was sent.
func Ollama() Dialect {
	return Dialect{Name: "ollama", MaxTokensField: "max_tokens", Format: FormatSchema, StreamUsage: true, Seed: true}
}

// VLLM is a vLLM server.
func VLLM() Dialect {
	return Dialect{Name: "vllm", MaxTokensField: "max_tokens", Format: FormatSchema, StreamUsage: true, Seed: true, User: true}
}

// Generic is an endpoint of which nothing is known but the protocol.
func Generic() Dialect {
	return Dialect{Name: "generic", MaxTokensField: "max_tokens", Format: FormatObject, StreamUsage: true}
}

func dialectOf(base *url.URL) Dialect {
	host := strings.ToLower(base.Hostname())
	if host == "openrouter.ai" || strings.HasSuffix(host, ".openrouter.ai") {
		return OpenRouter()
	}
	return Generic()
}
