package aster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ballast-go/ballast/marketdata"
)

// SourceConfig is what a Source asks for, and how often.
type SourceConfig struct {
	// InfoTTL is how long exchange information, leverage brackets and funding
	// intervals are remembered, 1 s–24 h; they are used for up to twice as
	// long when the venue does not answer. Default 1 h.
	InfoTTL time.Duration
	// SkipOpenInterest spares one request a symbol; open interest is unknown
	// then. Default false.
	SkipOpenInterest bool
}

const (
	defaultInfoTTL = time.Hour
	minInfoTTL     = time.Second
	maxInfoTTL     = 24 * time.Hour
	fewSymbols     = 3 // so few are asked for one by one
)

// Source is market data by requests: no memory but what rarely changes. All
// requests of a snapshot run at once within the client's bounds, those for
// exchange information first when it is not remembered. It is safe for
// concurrent use.
//
// Candles are those that were closed, by the venue's clock, when the snapshot
// began; its At is when it was complete. Prices are stamped by the venue. A
// signer adds leverage brackets. What is missing short of prices and candles
// is said in Asset.Degraded.
type Source struct {
	client   *Client
	cfg      SourceConfig
	decoders chan struct{} // one per answer that is decoded
	info     *memo[ExchangeInfo]
	funding  *memo[map[string]FundingInfo]
	brackets *memo[map[string][]marketdata.Bracket]
}

var _ marketdata.Source = (*Source)(nil)

// NewSource makes a source of the client's venue. It sends nothing.
func NewSource(client *Client, cfg SourceConfig) (*Source, error) {
	if cfg.InfoTTL == 0 {
		cfg.InfoTTL = defaultInfoTTL
	}
	if err := validateDuration("InfoTTL", cfg.InfoTTL, minInfoTTL, maxInfoTTL); err != nil {
		return nil, fmt.Errorf("aster: source: %w", err)
	}
	now := client.cfg.Now
	return &Source{
		client: client, cfg: cfg, decoders: make(chan struct{}, client.cfg.Workers),
		info:     newMemo[ExchangeInfo](now, cfg.InfoTTL, false),
		funding:  newMemo[map[string]FundingInfo](now, cfg.InfoTTL, true),
		brackets: newMemo[map[string][]marketdata.Bracket](now, cfg.InfoTTL, true),
	}, nil
}

// Snapshot implements marketdata.Source.
func (s *Source) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	if err := q.Validate(); err != nil {
		return marketdata.Snapshot{}, err
	}
	if err := ctx.Err(); err != nil {
		return marketdata.Snapshot{}, fmt.Errorf("aster: snapshot: %w", err)
	}
	g := newGathering(s, q)
	g.run(ctx)
	if err := ctx.Err(); err != nil {
		return marketdata.Snapshot{}, fmt.Errorf("aster: snapshot: %w", err)
	}
	return g.snapshot(), nil
}

// ExchangeInfo is what the venue lists, remembered for InfoTTL.
func (s *Source) ExchangeInfo(ctx context.Context) (ExchangeInfo, error) {
	got := s.loadInfo(ctx)
	if got.known {
		return got.value, nil
	}
	return ExchangeInfo{}, got.err
}

func (s *Source) loadInfo(ctx context.Context) memory[ExchangeInfo] {
	return s.info.load(ctx, func(ctx context.Context) (ExchangeInfo, error) { return s.client.exchangeInfo(ctx, s.do) })
}

func (s *Source) loadFunding(ctx context.Context) memory[map[string]FundingInfo] {
	return s.funding.load(ctx, func(ctx context.Context) (map[string]FundingInfo, error) { return s.client.fundingInfo(ctx, s.do) })
}

// loadBrackets needs a signer.
func (s *Source) loadBrackets(ctx context.Context) memory[map[string][]marketdata.Bracket] {
	return s.brackets.load(ctx, func(ctx context.Context) (map[string][]marketdata.Bracket, error) {
		return s.client.brackets(ctx, "", s.do)
	})
}

// do is Client.do with at most Workers answers decoded at once.
func (s *Source) do(ctx context.Context, cl call, out any) error {
	var body []byte
	if err := s.client.do(ctx, cl, &body); err != nil {
		return err
	}
	select {
	case s.decoders <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("aster: snapshot: %w", ctx.Err())
	}
	defer func() { <-s.decoders }()
	return s.client.request(cl).read(body, out)
}

// fetched is an answer, or why there is none.
type fetched[T any] struct {
	value T
	err   error
}

// gathering is one snapshot on its way. Each task writes a field of its own.
type gathering struct {
	source *Source
	query  marketdata.Query
	begun  time.Time // by our clock
	tasks  sync.WaitGroup

	clockErr error
	info     memory[ExchangeInfo]
	funding  memory[map[string]FundingInfo]
	brackets memory[map[string][]marketdata.Bracket]
	tickers  fetched[table[tickerRow, *tickerRow]]   // of all, for many symbols
	premiums fetched[table[premiumRow, *premiumRow]] // the same
	symbols  map[string]*gathered                    // those that trade
	refused  map[string]error                        // the others
}

// gathered is what belongs to one symbol.
type gathered struct {
	listing  Symbol
	series   []fetched[klines] // by interval of the query
	ticker   fetched[tickerRow]
	premium  fetched[premiumRow]
	interest fetched[interestRow]
}

func newGathering(s *Source, q marketdata.Query) *gathering {
	return &gathering{
		source: s, query: q, begun: s.client.cfg.Now(),
		symbols: make(map[string]*gathered, len(q.Symbols)), refused: map[string]error{},
	}
}

// few tells whether the symbols are asked for one by one.
func (g *gathering) few() bool { return len(g.query.Symbols) <= fewSymbols }
