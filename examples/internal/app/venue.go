package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/examples/internal/config"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/aster"
)

// venue is AsterDEX.
type venue struct {
	cfg      config.Aster
	leverage decimal.Decimal // zero: the exchange's setting
	maxSize  decimal.Decimal
	client   *aster.Client
	source   *aster.Source
}

func newVenue(o Options) (*venue, error) {
	c := o.Config.Aster
	signer, err := c.Signer()
	if err != nil {
		return nil, err
	}
	v := &venue{cfg: c, maxSize: o.Config.MaxPositionSizeUSD}
	if o.Config.LeverageGiven {
		v.leverage = o.Config.Leverage
	}
	v.client, err = aster.New(aster.Config{
		Network: c.Network, Signer: signer, MaxConcurrent: c.MaxConcurrent, Workers: c.Workers, Logger: o.Logger, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	v.source, err = aster.NewSource(v.client, aster.SourceConfig{})
	return v, err
}

// VenueError is a failure of the exchange with what a person can do about it.
type VenueError struct {
	Text string
	Err  error
}

// Error is the text.
func (e *VenueError) Error() string { return e.Text }

// Unwrap is the cause.
func (e *VenueError) Unwrap() error { return e.Err }

// venueTimeout is for everything that is asked beside a decision.
const venueTimeout = 30 * time.Second

// within is a context for a call beside a decision, and what to make of its
// error.
func (v *venue) within(ctx context.Context) (context.Context, context.CancelFunc, func(error) error) {
	inner, cancel := context.WithTimeout(ctx, venueTimeout)
	return inner, cancel, func(err error) error {
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return &VenueError{Text: fmt.Sprintf("AsterDEX did not answer within %s, or is asked so much that requests have to wait: try again in a minute", venueTimeout), Err: err}
	}
}

func (v *venue) account(ctx context.Context, id string, symbols []string) (decision.Account, []string, error) {
	ctx, cancel, late := v.within(ctx)
	defer cancel()
	account, notes, err := v.readAccount(ctx, id, symbols)
	return account, notes, late(err)
}

func (v *venue) readAccount(ctx context.Context, id string, symbols []string) (decision.Account, []string, error) {
	if err := v.know(ctx, symbols); err != nil {
		return decision.Account{}, nil, err
	}
	accounts, err := aster.NewAccounts(v.client, aster.AccountConfig{ID: id, Symbols: symbols, Leverage: v.leverage, MaxPositionSizeUSD: v.maxSize})
	if err != nil {
		return decision.Account{}, nil, err
	}
	state, err := accounts.State(ctx)
	if err != nil {
		return decision.Account{}, nil, v.explained(err)
	}
	if err := v.checkClock(); err != nil {
		return decision.Account{}, nil, err
	}
	return state.Account, state.Notes, nil
}

// know refuses symbols that are not listed, before anything is asked about
// them.
func (v *venue) know(ctx context.Context, symbols []string) error {
	info, err := v.source.ExchangeInfo(ctx)
	if err != nil {
		return v.explained(err)
	}
	var unknown []marketdata.Failure
	for _, symbol := range symbols {
		if _, err := info.Symbol(symbol); errors.Is(err, marketdata.ErrUnknownSymbol) {
			unknown = append(unknown, v.failure(marketdata.Failure{Symbol: symbol, Reason: marketdata.ReasonUnknownSymbol, Err: err}))
		}
	}
	if len(unknown) > 0 {
		return &DataError{Failures: unknown}
	}
	return nil
}

// checkClock holds this machine's clock, by which freshness is judged, to the
// exchange's once that is known.
func (v *venue) checkClock() error {
	offset := v.client.Usage().ServerOffset
	if offset.Abs() <= marketdata.MaxFutureStamp {
		return nil
	}
	direction := "behind"
	if offset < 0 {
		direction = "ahead of"
	}
	return &VenueError{Text: fmt.Sprintf("this machine's clock is %s %s AsterDEX's: set it, such as with timedatectl set-ntp true, as prices are judged by it",
		offset.Abs().Round(time.Second), direction)}
}

// explaining is a source whose failures say what a person can do.
type explaining struct {
	source marketdata.Source
	venue  *venue
}

// Snapshot asks the source. The error is a *VenueError when this machine's
// clock is wrong.
func (e explaining) Snapshot(ctx context.Context, q marketdata.Query) (marketdata.Snapshot, error) {
	snap, err := e.source.Snapshot(ctx, q)
	if err == nil {
		err = e.venue.checkClock()
	}
	if err != nil {
		return marketdata.Snapshot{}, err
	}
	snap = snap.Clone()
	for symbol, failure := range snap.Failures {
		snap.Failures[symbol] = e.venue.failure(failure)
	}
	return snap, nil
}

func (v *venue) failure(f marketdata.Failure) marketdata.Failure {
	if f.Reason == marketdata.ReasonUnknownSymbol {
		f.Detail = "AsterDEX does not list it: see ballast market symbols"
	} else if f.Err != nil {
		f.Detail = v.explained(f.Err).Error()
	}
	return f
}

// explained is an error of the client in a line for a person; the end of a
// context stays as it is.
func (v *venue) explained(err error) error {
	var failure *aster.Error
	switch {
	case errors.As(err, &failure):
		return &VenueError{Text: v.advice(failure) + " (" + facts(failure) + ")", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	text := strings.ReplaceAll(err.Error(), "AccountConfig.Leverage", "LEVERAGE")
	return &VenueError{Text: "AsterDEX: " + strings.ReplaceAll(text, "aster: ", ""), Err: err}
}

// facts are what the exchange said, or what happened in its place.
func facts(e *aster.Error) string {
	text := e.Op
	if e.Status != 0 {
		text += fmt.Sprintf(", status %d", e.Status)
	}
	if e.Code != 0 {
		text += fmt.Sprintf(", code %d", e.Code)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// advice is what is wrong and what to do.
func (v *venue) advice(e *aster.Error) string {
	keys, network := "ASTERDEX_API_KEY and ASTERDEX_API_SECRET", v.cfg.Network.Name
	if !v.cfg.SignerKey.IsZero() {
		keys = "ASTERDEX_SIGNER_KEY and ASTERDEX_USER"
	}
	switch e.Kind {
	case aster.KindAuth:
		return fmt.Sprintf("AsterDEX does not accept the key or its signature: check that %s are right, belong together and are those of network %s, and what the key may do from which address", keys, network)
	case aster.KindPermission:
		return fmt.Sprintf("AsterDEX does not let the key do this: check the permissions and the list of addresses of %s", keys)
	case aster.KindDeposit:
		return "AsterDEX takes no signed calls before the main wallet has made a deposit: make one, or decide on a paper account without the keys"
	case aster.KindBanned:
		return "AsterDEX has banned this address" + wait(e.Wait) + ": wait, and ask less often"
	case aster.KindRateLimit:
		return "AsterDEX is asked too often from this address" + wait(e.Wait) + ": wait, or stop the other programs that ask it"
	case aster.KindClock:
		return "AsterDEX finds the time of the request wrong: set this machine's clock, and give the key to one program alone"
	case aster.KindNetwork, aster.KindCircuit:
		return fmt.Sprintf("AsterDEX cannot be reached at %s: check the network, a proxy or firewall, and ASTERDEX_BASE_URL", v.cfg.Network.REST)
	case aster.KindBlocked:
		return "something before AsterDEX refuses: a firewall or a block of the region; check ASTERDEX_BASE_URL"
	case aster.KindServer:
		return "AsterDEX failed: try again later"
	default:
		return "AsterDEX refuses the request"
	}
}

func wait(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return " for another " + max(d.Round(time.Second), time.Second).String()
}
