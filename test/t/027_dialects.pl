#-------------------------------------------------------------------------
#
# 027_dialects.pl
#		What the readers of CSV, text and fixed-width files know beyond COPY:
#		against a slow reader in Perl that shares nothing with them.
#
# Lines skipped, comments, headers matched by name, ragged lines, delimiters of
# several bytes, texts for the default, limits, fixed widths; lines and offsets
# of records; beginnings in the middle of an object.  Texts for the default are
# compared with COPY's too, where it has them.
#
#	S3_TEST_DIALECT_CASES	how many random files (default 6000)
#	S3_TEST_SEED			seed of the random files (default 1)
#
# IDENTIFICATION
#		test/t/027_dialects.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

plan skip_all => 'no unit test module' if !defined unit_lib();

my $lib = lit(unit_lib());
my $random_cases = $ENV{S3_TEST_DIALECT_CASES} || 6000;
my $seed = defined $ENV{S3_TEST_SEED} ? $ENV{S3_TEST_SEED} : 1;
my $version = psql('SHOW server_version_num');
my $marker = $version < 180000;

srand($seed);

psql(<<"END");
CREATE FUNCTION unit_lines(data bytea, options text[], columns text[], needed bool[],
	middle text, header text[], piece int, places bool) RETURNS SETOF text[]
	AS $lib LANGUAGE c;
CREATE FUNCTION unit_lines_header(data bytea, options text[], piece int) RETURNS text[]
	AS $lib LANGUAGE c;
CREATE FUNCTION unit_lines_count(data bytea, options text[], columns text[], needed bool[],
	piece int, places bool) RETURNS bigint AS $lib LANGUAGE c;
CREATE TABLE cases (id int, data bytea, options text[], columns text[], needed bool[],
	middle text, header text[], wanted text);
CREATE FUNCTION read_all(c cases, piece int) RETURNS text LANGUAGE sql AS \$\$
	SELECT coalesce(string_agg(array_to_string(CASE r[3] WHEN 'ok' THEN r ELSE r[:5] END,
		E'\\x11', E'\\x12'), E'\\x13' ORDER BY ord), '')
	FROM unit_lines(c.data, c.options, c.columns, c.needed, c.middle, c.header, piece, true)
		WITH ORDINALITY AS u(r, ord) \$\$;
END

#-------------------------------------------------------------------------
# The slow reader
#-------------------------------------------------------------------------

my %letters = (b => "\b", f => "\f", n => "\n", r => "\r", t => "\t", v => "\x0b");

# The text of a field without escapes, or undef for NULL, \1 for the default.
sub field_value
{
	my ($o, $raw, $quoted, $value) = @_;

	return undef if !$quoted && $raw eq $o->{null};
	return \1 if !$quoted && defined $o->{default} && $raw eq $o->{default};
	return $value;
}

# One record from pos: (error, end, raw text, fields as [raw, quoted, value]).
# Learns how lines end.
sub parse_record
{
	my ($o, $data, $pos, $eol) = @_;
	my $start = $pos;
	my $csv = $o->{format} eq 'csv';
	my $text = $o->{format} eq 'text';
	my @fields;
	my ($raw, $quoted, $value, $inside) = ('', 0, '', 0);

	while (1)
	{
		my $c = $pos < length $data ? substr($data, $pos, 1) : undef;

		if (!defined $c)
		{
			push @fields, [ $raw, $quoted, $value ];
			return ($inside ? 'unterminated' : undef, $pos, substr($data, $start), \@fields);
		}
		if ($inside)
		{
			my $next = substr($data, $pos + 1, 1);

			if ($c eq $o->{escape} && $next ne '' && ($next eq $o->{quote} || $next eq $o->{escape}))
			{
				$value .= $next;
				$pos += 2;
				next;
			}
			$inside = 0 if $c eq $o->{quote};
			$value .= $c if $inside;
			$pos++;
			next;
		}
		if ($csv && $c eq $o->{quote})
		{
			$quoted = $inside = 1;
			$pos++;
			next;
		}
		if ($text && $c eq '\\')
		{
			my $next = substr($data, $pos + 1, 1);

			if ($next ne '')
			{
				$raw .= "\\$next";
				$value .= exists $letters{$next} ? $letters{$next} : $next;
				$pos++;
			}
			$pos++;
			next;
		}
		if ($o->{format} ne 'fixedwidth' && substr($data, $pos, length $o->{delimiter}) eq $o->{delimiter})
		{
			push @fields, [ $raw, $quoted, $value ];
			($raw, $quoted, $value) = ('', 0, '');
			$pos += length $o->{delimiter};
			next;
		}
		if ($c eq "\r" || $c eq "\n")
		{
			my $end = $c eq "\n" ? "\n" : substr($data, $pos, 2) eq "\r\n" ? "\r\n" : "\r";

			push @fields, [ $raw, $quoted, $value ];
			$$eol = $end if !defined $$eol;
			$end = $c if $end eq "\r\n" && $$eol ne "\r\n";
			return ($c eq "\n" ? 'lf' : 'cr', $pos, substr($data, $start, $pos - $start), \@fields)
			  if $end ne $$eol;
			return (undef, $pos + length $end, substr($data, $start, $pos - $start), \@fields);
		}
		$raw .= $c;
		$value .= $c;
		$pos++;
	}
}

# Fields of a line by widths in characters.
sub fixed_fields
{
	my ($o, $raw) = @_;
	my @fields;

	utf8::decode($raw);
	for my $width (split /,/, $o->{fixedwidth})
	{
		last if length $raw == 0 || (length $raw < $width && $o->{missing_fields} ne 'null');
		my $field = substr($raw, 0, $width, '');
		$field =~ s/ +\z//;
		utf8::encode($field);
		push @fields, [ $field, 0, $field ];
		return \@fields if length $raw == 0;
	}
	push @fields, [ '', 0, '' ] if length $raw > 0 && @fields == split /,/, $o->{fixedwidth};
	return \@fields;
}

my %line_errors = (
	csv => { cr => 'unquoted carriage return found in data', lf => 'unquoted newline found in data' },
	text => { cr => 'literal carriage return found in data', lf => 'literal newline found in data' },
	fixedwidth => { cr => 'literal carriage return found in data', lf => 'literal newline found in data' });

sub reference
{
	my ($c) = @_;
	my ($o, $data, @columns) = ($c->{options}, $c->{data}, @{ $c->{columns} });
	my $eol = $c->{middle} ? { LF => "\n", CR => "\r", CRLF => "\r\n" }->{ $c->{middle} } : undef;
	my ($pos, $skipped, @rows, @of) = (0, 0);
	my $header = $c->{middle} ? 'false' : $o->{header};
	my $expected = @columns;
	my $base;

	if (!$c->{middle})
	{
		for (1 .. $o->{skip_lines})
		{
			pos($data) = $pos;
			$data =~ /\G[^\r\n]*(?:\r\n|\r|\n)/g or return '';
			$pos = pos $data;
			$skipped++;
		}
	}
	$base = $pos;
	@of = 0 .. $#columns;

	my $by_name = sub {
		my @names = @_;
		my ($missing, $twice);

		for my $i (0 .. $#columns)
		{
			my @found = grep {
				$o->{ignore_case} eq 'true' ? lc $names[$_] eq lc $columns[$i] : $names[$_] eq $columns[$i]
			} 0 .. $#names;
			$of[$i] = @found ? $found[0] : -1;
			$twice = 1 if @found > 1;
			$missing = $columns[$i] if !@found && !defined $missing;
		}
		$expected = @names;
		return 'twice' if $twice;
		return "column \"$missing\" is missing in the header line"
		  if defined $missing && $o->{missing_fields} ne 'null';
		return '';
	};

	if ($o->{match_by} eq 'name' && $header eq 'false')
	{
		my $error = $by_name->(@{ $c->{header} });
		return join "\x11", 1, 0, 'fatal', '22P04', $error if $error ne '';
	}

	while (1)
	{
		while (defined $o->{comment} && substr($data, $pos, length $o->{comment}) eq $o->{comment})
		{
			my $end = defined $eol ? qr/\Q$eol\E/ : qr/\r\n|\r|\n/;

			pos($data) = $pos;
			$data =~ /\G.*?(?:($end)|\z)/gs;
			$eol = $1 if !defined $eol;
			$pos = pos $data;
		}

		my $start = $pos;
		my ($error, $end, $raw, $fields) = parse_record($o, $data, $pos, \$eol);
		my $before = substr($data, $base, $start - $base);
		my $line = 1 + $skipped + (defined $eol && $eol eq "\r" ? $before =~ tr/\r// : $before =~ tr/\n//);
		my $bad = sub {
			my ($status, $message, $code) = @_;

			push @rows, join "\x11", $line, $start, $status, $code || '22P04', $message;
			return join "\x13", @rows;
		};

		if ($error && $error ne 'unterminated')
		{
			return $bad->('fatal', 'end-of-copy marker does not match previous newline style')
			  if $marker && $o->{format} eq 'csv' && $raw eq '\\.';
			return $bad->('fatal', $line_errors{ $o->{format} }{$error});
		}
		return $bad->('fatal', "record is longer than $o->{max_record_size} bytes", '54000')
		  if length $raw > $o->{max_record_size};
		my $marked = $marker && $o->{format} eq 'csv' && $raw eq '\\.' && $end > $start + 2;

		if ($header ne 'false')
		{
			my $match = $header eq 'match' || $o->{match_by} eq 'name';

			return $bad->('fatal', 'unterminated CSV quoted field') if $error && $match;
			return '' if $o->{match_by} eq 'name' && ($raw eq '' && $end == length $data && $end == $start || $marked);
			$fields = [ ['', 0, ''] ] if $marked;
			if ($header eq 'match')
			{
				return $bad->('fatal', 'wrong number of fields in header line: got '
					  . @$fields . ', expected ' . @columns) if @$fields != @columns;
				for my $i (0 .. $#columns)
				{
					my $value = field_value({ %$o, default => undef }, @{ $fields->[$i] });
					my $got = defined $value ? "\"$value\"" : "null value (\"$o->{null}\")";

					return $bad->('fatal', 'column name mismatch in header line field ' . ($i + 1)
						  . ": got $got, expected \"$columns[$i]\"") if $got ne "\"$columns[$i]\"";
				}
			}
			if ($o->{match_by} eq 'name')
			{
				my $message = $by_name->(
					map {
						my $value = field_value($o, @$_);
						defined $value && !ref $value ? $value : $_->[0]
					} @$fields);
				return $bad->('fatal', $message) if $message ne '';
			}
			return '' if $end == length $data && $end == $start + length $raw || $marked;
			$header = 'false';
			$pos = $end;
			next;
		}

		return join "\x13", @rows if $marked || ($raw eq '' && $end == $start);
		return $bad->('fatal', 'unterminated CSV quoted field') if $error;
		$pos = $end;
		$fields = fixed_fields($o, $raw) if $o->{format} eq 'fixedwidth';
		if (@$fields > $expected && $o->{extra_fields} eq 'error')
		{
			$bad->('bad', 'extra data after last expected column');
			next;
		}
		if (@$fields < $expected && $o->{missing_fields} eq 'error')
		{
			$bad->('bad', $o->{match_by} eq 'name' ?
				  'line has ' . @$fields . " fields, but the header line has $expected" :
				  "missing data for column \"$columns[ @$fields ]\"");
			next;
		}
		push @rows, join "\x11", $line, $start, 'ok', map {
			my $field = $of[$_] >= 0 && $of[$_] < @$fields ? $fields->[ $of[$_] ] : undef;
			my $value = $field && $c->{needed}[$_] ? field_value($o, @$field) : undef;

			!defined $value ? "\x12" : ref $value ? '<default>' : $value;
		} 0 .. $#columns;
	}
}

#-------------------------------------------------------------------------
# Cases at random
#-------------------------------------------------------------------------

sub pick
{
	return $_[ rand @_ ];
}

sub random_case
{
	my $format = pick('csv', 'csv', 'text', 'text', 'fixedwidth');
	my $ncolumns = pick(1, 2, 2, 3, 4);
	my @columns = map { pick($_, $_, $_, uc $_) } ('a' .. 'd')[ 0 .. $ncolumns - 1 ];
	my $eol = pick("\n", "\n", "\r\n", "\r");
	my $size = pick(1, 3, 10, 30);
	my %o = (
		format => $format,
		skip_lines => pick(0, 0, 0, 1, 3),
		missing_fields => pick('error', 'null'),
		extra_fields => pick('error', 'ignore'),
		header => pick('false', 'true'),
		match_by => 'position',
		ignore_case => pick('false', 'true'),
		max_record_size => pick(1000, 1000, 1000, 40));
	my %c = (options => \%o, columns => \@columns, needed => [ map { rand() < 0.8 } @columns ]);

	$o{comment} = pick('#', '//', 'a', '-- ', '"', '\\', 'é') if rand() < 0.5;
	$o{delimiter} = $format eq 'text' ? pick("\t", '|', '||', '<>', "\x1f", "\x01\x02", '¦', 'ABA', "|\t|") :
	  pick(',', ';', '||', '::', "\x1f", "\x01\x02", '¦', 'aab', '|;|', '\\\\');
	$o{quote} = pick('"', '"', "'");
	$o{escape} = pick($o{quote}, $o{quote}, '\\', 'x');
	$o{null} = $format eq 'text' ? pick('\\N', '') : pick('', 'NULL', '\\N');
	$o{default} = pick('D', '\\D', '\\\\') if rand() < 0.3 && $format ne 'fixedwidth';
	delete $o{default} if defined $o{default} && index($o{default}, $o{delimiter}) >= 0;
	if ($format eq 'fixedwidth')
	{
		$o{fixedwidth} = join ',', map { pick(1, 2, 3, 5) } @columns;
	}
	elsif (rand() < 0.4)
	{
		$o{header} = 'true';
		$o{match_by} = 'name';
	}
	elsif (rand() < 0.1)
	{
		$o{header} = 'match';
	}
	$c{middle} = pick('LF', 'CR', 'CRLF', 'UNKNOWN') if rand() < 0.1;
	$eol = { LF => "\n", CR => "\r", CRLF => "\r\n", UNKNOWN => $eol }->{ $c{middle} } if $c{middle};
	if ($c{middle} && $o{match_by} eq 'name')
	{
		$c{header} = [ map { pick('a' .. 'd', 'A') } 1 .. 4 ];
	}

	my @alphabet = ('a', 'b', 'D', 'x', ' ', 'é', '日', '\\', '\\N', '\\D', 'NULL', $o{null}, $o{delimiter},
		$o{delimiter} =~ /^([\x01-\x7f])/ ? $1 : '-', '"', "'", $o{escape}, $eol, '#', '//', '-', 'A');
	push @alphabet, "\r", "\n", "\r\n" if rand() < 0.1;
	push @alphabet, "$eol\\.$eol" if rand() < 0.1 && $format ne 'text';

	my $data = '';
	my $names = 0;

	$data .= join('', map { pick(@alphabet) } 1 .. rand 5) . pick($eol, $eol, "\n", "\r", "\r\n")
	  for 1 .. $o{skip_lines};
	if ($o{header} ne 'false' && !$c{middle} && rand() < 0.95)
	{
		my @names = @columns;

		if ($o{match_by} eq 'name')
		{
			push @names, map { pick('more', 'e', '', 'z') } 1 .. rand 3;
			@names = sort { rand() <=> 0.5 } @names;
			$names[ rand @names ] = pick('A', 'b', 'c', 'q') if rand() < 0.1;
			@names = map { pick(0, 1) ? $_ : swap_case($_) } @names if $o{ignore_case} eq 'true';
			pop @names if rand() < 0.1;
		}
		$names = @names;
		$data .= "$o{comment}\"$eol" if defined $o{comment} && rand() < 0.3;
		$data .= join($o{delimiter}, $format eq 'csv' ? map { rand() < 0.2 ? "$o{quote}$_$o{quote}" : $_ } @names : @names)
		  . $eol;
	}
	for my $row (1 .. 1 + rand $size)
	{
		my @fields;

		if (defined $o{comment} && rand() < 0.2)
		{
			$data .= $o{comment} . join('', map { pick(@alphabet) } 1 .. rand 6) . $eol;
			next;
		}
		for my $col (1 .. ($names || $ncolumns) + pick(0, 0, 0, 0, 0, 0, 0, 1, -1))
		{
			my $field = join '', map { pick(@alphabet) } 1 .. rand 4;

			if ($format eq 'fixedwidth')
			{
				my $width = (split /,/, $o{fixedwidth})[ $col - 1 ] || 1;

				$field =~ s/[\r\n]//g if rand() < 0.98;
				utf8::decode($field);
				$field = substr($field . '     ', 0, $width) if rand() < 0.95;
				utf8::encode($field);
			}
			elsif ($format eq 'csv' && rand() < 0.5)
			{
				$field =~ s/([\Q$o{quote}$o{escape}\E])/$o{escape}$1/g;
				$field = "$o{quote}$field$o{quote}";
			}
			elsif (rand() < 0.97)
			{
				$field =~ s/\Q$o{delimiter}\E|[\r\n\Q$o{quote}\E]//g;
				$field =~ s/\\\z// if $format eq 'text';
			}
			push @fields, $field;
		}
		$data .= join($format eq 'fixedwidth' ? '' : $o{delimiter}, @fields) . $eol;
	}
	$data =~ s/[\x01-\x7f]\z// if rand() < 0.2;

	# Numbers of bytes are compared with COPY's elsewhere.
	$data =~ s/\\x/\\y/g if $format eq 'text';

	# A field that has only one text, and not in the middle of it.
	return if grep { $o{delimiter} =~ /\Q$_\E/ } $format eq 'csv' ? ($o{quote}) : ();
	return if $o{null} ne '' && index($o{null}, $o{delimiter}) >= 0 && $format ne 'fixedwidth';
	return if defined $o{default} && $o{default} eq $o{null};
	$c{data} = $data;
	$c{wanted} = reference(\%c);

	# Which column it is that is named twice does not matter.
	return if $c{wanted} =~ /twice\z/;
	return \%c;
}

sub swap_case
{
	my ($s) = @_;

	$s =~ tr/a-zA-Z/A-Za-z/;
	return $s;
}

sub array
{
	return 'ARRAY[' . join(',', map { lit($_) } @_) . ']::text[]';
}

sub compare_cases
{
	my ($name, @cases) = @_;
	my ($sql, $ok, $bad) = ('', 0, 0);
	my $id = 0;

	for my $c (@cases)
	{
		my %o = %{ $c->{options} };

		$c->{wanted} =~ /\x11(?:bad|fatal)\x11/ ? $bad++ : $c->{wanted} ne '' ? $ok++ : 0;
		$sql .= 'INSERT INTO cases VALUES (' . join(',', $id++,
			"decode('" . unpack('H*', $c->{data}) . "', 'hex')",
			array(map { defined $o{$_} ? ($_, $o{$_}) : () } sort keys %o),
			array(@{ $c->{columns} }),
			"'{" . join(',', map { $_ ? 't' : 'f' } @{ $c->{needed} }) . "}'",
			lit($c->{middle}), $c->{header} ? array(@{ $c->{header} }) : 'NULL',
			"convert_from(decode('" . unpack('H*', $c->{wanted}) . "', 'hex'), 'UTF8')") . ");\n";
	}
	my $out = psql(<<"END");
TRUNCATE cases;
BEGIN;
$sql
COMMIT;
SELECT format(E'case %s in pieces of %s: %s %s %s needed %s\\nof: %s\\nwanted: %s\\ngot:    %s', id, p, c.options, c.columns,
	c.header, c.needed, encode(c.data, 'escape'), translate(wanted, E'\\x11\\x12\\x13', '|~/'),
	translate(got, E'\\x11\\x12\\x13', '|~/'))
FROM cases c, unnest(ARRAY[1000000, 1, 2, 3, 7, 64]) p, LATERAL (SELECT read_all(c, p) AS got OFFSET 0) r
WHERE got IS DISTINCT FROM wanted ORDER BY id LIMIT 5;
END
	is(substr($out, 0, 5000), '', "$name: $id files, $ok of them good");
	ok($ok > $id / 4 && $bad > $id / 10, "$name: enough of both kinds");
}

my @all = grep { defined } map { random_case() } 1 .. $random_cases;

while (my @batch = splice @all, 0, 2000)
{
	compare_cases("random, seed $seed", @batch);
}

#-------------------------------------------------------------------------
# The default, against COPY
#-------------------------------------------------------------------------

SKIP:
{
	skip 'COPY has DEFAULT since PostgreSQL 16', 1 if $version < 160000;

	my $path = server_tmp() . '/default';
	my $sql = '';
	my $n = 1000;

	psql(<<'END');
CREATE TABLE of_copy (place serial, a text DEFAULT '<default>', b text DEFAULT '<default>');
CREATE FUNCTION copy_all(path text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	TRUNCATE of_copy;
	EXECUTE format('COPY of_copy (a, b) FROM %L (%s)', path, options);
	SELECT string_agg(ARRAY['ok', a, b]::text, E'\n' ORDER BY place) INTO result FROM of_copy;
	RETURN coalesce(result, '');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
END
	for my $id (1 .. $n)
	{
		my $format = pick('csv', 'text');
		my %o = (format => $format, header => pick('false', 'true'), delimiter => pick(',', "\t", '|'),
			null => pick('', 'N', '\\N'), default => pick('D', '\\D', '\\\\', 'DN', ' ', ''));

		@o{ 'quote', 'escape' } = ('"', pick('"', '\\', 'D')) if $format eq 'csv';
		redo if $o{default} eq $o{null};

		my $good = rand() < 0.8;
		my @alphabet = ('D', 'N', ' ', 'a', '\\', '\\N', '\\D', '\\x44', '\\104', $o{default}, $o{default}, $o{null});
		my $data = $o{header} eq 'true' ? "a$o{delimiter}b\n" : '';

		push @alphabet, '"', 'D"', $o{delimiter} if !$good;
		for my $row (1 .. 1 + rand 10)
		{
			my @fields = map { join '', map { pick(@alphabet) } 1 .. pick(0, 1, 1, 1, 2, 3) } 1, 2;

			for my $field (@fields)
			{
				$field =~ s/(?<!\\)((?:\\\\)*)\\\z/$1/ if $good && $format eq 'text';
				next if $format eq 'text' || rand() < 0.6;
				$field =~ s/(["\Q$o{escape}\E])/$o{escape}$1/g if $good;
				$field = "\"$field\"";
			}
			$data .= join($o{delimiter}, @fields) . "\n";
		}
		open my $fh, '>:raw', "$path.$id" or die "could not create $path.$id: $!\n";
		print $fh $data;
		close $fh or die "could not write $path.$id: $!\n";
		chmod 0644, "$path.$id";
		$sql .= "SELECT $id, wanted, got FROM copy_all('$path.$id', " . lit(join(', ', map { "$_ " . lit($o{$_}) } sort keys %o))
		  . ") wanted, LATERAL (SELECT string_agg(CASE r[1] WHEN 'ok' THEN r::text ELSE r[2] || ': ' || r[3] END, E'\\n' ORDER BY ord)"
		  . " AS got, bool_and(r[1] = 'ok') AS fine FROM unit_lines(pg_read_binary_file('$path.$id'), " . array(%o)
		  . ", '{a,b}', NULL, NULL, NULL, 1000, false) WITH ORDINALITY AS u(r, ord)) x"
		  . " WHERE CASE WHEN fine THEN got <> wanted ELSE wanted LIKE '{%' END;\n";
	}
	is(substr(psql($sql), 0, 4000), '', "default: $n files as COPY reads them");
	unlink map { "$path.$_" } 1 .. $n;
}

#-------------------------------------------------------------------------
# From the middle of an object
#-------------------------------------------------------------------------

# Wherever a record begins, what is read from there on is what is read there on
# the way through the whole.  Offsets and lines count from the beginning.
psql(<<"END");
CREATE FUNCTION middle(data bytea, options text[], line_end text) RETURNS SETOF text LANGUAGE sql AS \$\$
	WITH whole AS MATERIALIZED (
		SELECT ord, r FROM unit_lines(data, options || '{header,false}', '{a,b,c}', NULL, NULL, NULL, 1000, true)
			WITH ORDINALITY AS u(r, ord))
	SELECT format('from %s: %s instead of %s', w.r[2], got, wanted)
	FROM whole w,
		LATERAL (SELECT string_agg((r[2]::int + w.r[2]::int) || ' ' || (r[1]::int + w.r[1]::int - 1) || ' ' || r[3:5]::text, '; ' ORDER BY ord) AS got
			FROM unit_lines(substr(data, w.r[2]::int + 1), options || '{header,false}', '{a,b,c}', NULL,
				CASE WHEN w.ord > 1 THEN line_end ELSE 'UNKNOWN' END, NULL, 5, true)
				WITH ORDINALITY AS u(r, ord)) x,
		LATERAL (SELECT string_agg(r[2] || ' ' || r[1] || ' ' || r[3:5]::text, '; ' ORDER BY ord) AS wanted
			FROM whole o WHERE o.ord >= w.ord) y
	WHERE got IS DISTINCT FROM wanted \$\$;
END

my @middles;

for my $case ([ "\n", 'LF' ], [ "\r", 'CR' ], [ "\r\n", 'CRLF' ])
{
	my ($eol, $name) = @$case;

	for my $options (
		{ format => 'csv' },
		{ format => 'csv', delimiter => ',,' },
		{ format => 'text', delimiter => ',' },
		{ format => 'fixedwidth', fixedwidth => '1,2,1' })
	{
		for my $n (1 .. 5)
		{
			my $data = join '', map { pick('1', '22', ',', ',', "\"\n\"", '""', '\\x', 'é', $eol, $eol) } 1 .. 200;

			$data =~ s/(?<!\r)\n//g if $eol ne "\n" && $options->{format} ne 'csv';
			push @middles, "SELECT m FROM middle(decode('" . unpack('H*', $data) . "', 'hex'), "
			  . array(%$options, missing_fields => 'null', extra_fields => 'ignore') . ", '$name') m";
		}
	}
}
is(psql(join ";\n", @middles), '', 'a beginning in the middle');


#-------------------------------------------------------------------------
# By hand
#-------------------------------------------------------------------------

# All rows of data as text, in one piece and in pieces of one byte; columns are
# a and b if not told.
sub rows
{
	my ($data, $options, %opts) = @_;
	my ($whole, $bytes) = map {
		psql("SELECT r FROM unit_lines(decode('" . unpack('H*', $data) . "', 'hex'), "
			  . array(%$options) . ', ' . array(@{ $opts{columns} || [ 'a', 'b' ] }) . ', NULL, NULL, '
			  . ($opts{header} ? array(@{ $opts{header} }) : 'NULL') . ", $_, false) r", %opts)
	} 1000000, 1;

	is($bytes, $whole, 'same in pieces of one byte');
	return $whole;
}

my %csv = (format => 'csv');
my %named = (format => 'csv', header => 'true', match_by => 'name');

is(rows("b,x,a\n1,2,3\n", {%named}), '{ok,3,1}', 'columns by name');
is(rows("b,x\n1,2\n", {%named}),
	'{fatal,22P04,"column \"a\" is missing in the header line","The header line has \"b\", \"x\".",NULL}',
	'a name that is missing');
is(rows("b,x\n1,2\n", { %named, missing_fields => 'null' }), '{ok,NULL,1}', 'which may be');
is(rows("b,A,a\n1,2,3\n", {%named}), '{ok,3,1}', 'case matters');
is(rows("b,A,a\n1,2,3\n", { %named, ignore_case => 'true' }),
	'{fatal,22P04,"column \"a\" is in the header line more than once","The header line has \"b\", \"A\", \"a\".",NULL}',
	'or does not');
is(rows("B,\xc3\xa9\n1,2\n", { %named, ignore_case => 'true' }, columns => [ "\xc3\xa9", 'b', 'b' ]),
	'{ok,2,1,1}', 'two columns of one name');
is(rows('', {%named}), '', 'an empty object needs no names');
is(rows("a,b", {%named}), '', 'a header alone');
is(rows("a,x", {%named}) =~ /"column \\"b\\" is missing/ ? 1 : 0, 1, 'is checked');
is(rows("1,2\n3\n", { %named, header => 'false' }, header => [ 'b', 'a' ]),
	"{ok,2,1}\n" . '{bad,22P04,"line has 1 fields, but the header line has 2",NULL,NULL}', 'names known from elsewhere');
is(rows("x\ny\r\na,b\n1,2\n", { %csv, skip_lines => 2, header => 'match' }), '{ok,1,2}',
	'skipped lines end as they like');
is(rows("x\ny", { %csv, skip_lines => 2, header => 'match' }), '', 'nothing behind skipped lines');
is(rows("\n1,2\n", { %csv, missing_fields => 'null' }), "{ok,NULL,NULL}\n{ok,1,2}", 'an empty line is a record');
is(rows("\n1,2\n", { %csv, missing_fields => 'null', null => 'N' }), "{ok,\"\",NULL}\n{ok,1,2}", 'of one empty field');
is(rows("#\"\n1,2\n#\"\n\"#\",4\n#", { %csv, comment => '#' }), "{ok,1,2}\n{ok,#,4}", 'comments with quotes');
is(rows("#\\\n1,2\n", { format => 'text', delimiter => ',', comment => '#' }), '{ok,1,2}', 'and with a backslash');
is(rows("a|||b\n", { %csv, delimiter => '||' }), '{ok,a,|b}', 'the first delimiter that fits counts');
is(rows("D,\"D\"\n,DD\n", { %csv, default => 'D' }), "{ok,<default>,D}\n{ok,NULL,DD}", 'default');
is(rows("\\D\tD\n", { format => 'text', default => '\\D' }), '{ok,<default>,D}', 'default in text');
is(rows("1é 日 \n12345\n   \n1\n", { format => 'fixedwidth', fixedwidth => '2,3', missing_fields => 'null' }) =~
	s/[^\x00-\x7f]+/?/gr, "{ok,1?,\" ?\"}\n{ok,12,345}\n{ok,NULL,NULL}\n{ok,1,NULL}", 'widths are those of characters');
is(rows("1234\n12345\n123456\n", { format => 'fixedwidth', fixedwidth => 'a : 2,b: c:3' }),
	<<'END' =~ s/\n\z//r, 'strict widths');
{bad,22P04,"missing data for column \"b\"",NULL,NULL}
{ok,12,345}
{bad,22P04,"extra data after last expected column",NULL,NULL}
END

for my $format ('csv', 'text', 'fixedwidth')
{
	for my $eol ("\n", "\r\n")
	{
		my %o = (format => $format, fixedwidth => '9999', max_record_size => 5000);

		is(rows(('x' x 5000) . $eol . 'yy', {%o}, columns => ['a']), '{ok,' . ('x' x 5000) . "}\n{ok,yy}",
			"$format: a record of the largest size") if $format ne 'fixedwidth';
		is(rows($_, {%o}, columns => ['a']),
			'{fatal,54000,"record is longer than 5000 bytes",NULL,"Raise the option \"max_record_size\" if records are meant to be longer."}',
			"$format: a larger one")
		  for ('x' x 5001) . $eol, 'x' x 5001, 'x' x 100000;
	}
}

for my $case (
	[ '3,x' => '"x" is not a width, or a name, a colon and a width; a width is a whole number above zero.' ],
	[ 'a:3,' => '"" is not a width, or a name, a colon and a width; a width is a whole number above zero.' ],
	[ 'a:0,b:1' => '"a:0" is not a width, or a name, a colon and a width; a width is a whole number above zero.' ],
	[ '99999999999999999999,1' => 'The widths add up to more than 1073741823 characters.' ])
{
	my (undef, $err) = psql_err("SELECT * FROM unit_lines('', " . array(format => 'fixedwidth', fixedwidth => $case->[0])
		  . ", '{a,b}', NULL, NULL, NULL, 1, false)");

	like($err, qr/HV024: invalid value for option "fixedwidth": "\Q$case->[0]\E"\nDETAIL:  \Q$case->[1]\E/, "widths $case->[0]");
}
like((psql_err("SELECT * FROM unit_lines('', " . array(format => 'fixedwidth', fixedwidth => '1,2,3')
		  . ", '{a,b}', NULL, NULL, NULL, 1, false)"))[1],
	qr/HV024: option "fixedwidth" describes 3 fields, but there are 2 columns/, 'more widths than columns');

sub header
{
	my ($data, %options) = @_;
	my @found = map {
		(psql_err("SELECT unit_lines_header(decode('" . unpack('H*', $data) . "', 'hex'), " . array(%options) . ", $_)"))[ 0, 1 ]
	} 1, 1000;

	is("@found[0, 1]", "@found[2, 3]", 'same in pieces of one byte');
	return "$found[0]$found[1]";
}

is(header("#x\n#y\na,\"b\"\"\n\",,N\n1,2\n", %csv, skip_lines => 1, comment => '#', null => 'N'),
	'{a,"b\"' . "\n" . '","",N}', 'the names of a header');
is(header("a||b|", %csv, delimiter => '||'), '{a,b|}', 'which is the last line');
is(header("a\\tb\t\\N\n", format => 'text'), "{\"a\tb\",\"\\\\N\"}", 'of text');
is(header('', %csv), '{}', 'of an empty object');
is(header("x\n", %csv, skip_lines => 1), '{}', 'of one that is skipped');
like(header("a,\"b\n", %csv), qr/22P04: unterminated CSV quoted field/, 'that does not end');
like(header("a\\xff\n", format => 'text'), qr/22021: invalid byte sequence for encoding "UTF8": 0xff/, 'not in the encoding');

# Lines and offsets of all records are counted without looking back.
is(psql("SET statement_timeout = '60s';
	SELECT unit_lines_count(convert_to(repeat(E'a,b\\n', 2000000), 'UTF8'), '{format,csv}', '{a,b}', NULL, 100000000, true)"),
	2000000 * 2000001 / 2 + 4 * 2000000 * 1999999 / 2, 'line and offset of each record');

# Bytes within characters are no delimiters.
{
	my $db = "$ENV{PGDATABASE}_euc";

	psql(qq{CREATE DATABASE "$db" ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
	psql("CREATE FUNCTION unit_lines(data bytea, options text[], columns text[], needed bool[],
		middle text, header text[], piece int, places bool) RETURNS SETOF text[] AS $lib LANGUAGE c", db => $db);
	for my $format ('csv', 'text')
	{
		is(psql("SELECT convert_to(r::text, 'EUC_JP') FROM unit_lines('\\xa4a2a4a4a2a45c5ca2a40a'::bytea, ARRAY['format',
			'$format', 'delimiter', convert_from('\\xa2a4', 'EUC_JP')], '{a,b,c}', NULL, NULL, NULL, 100, false) r", db => $db),
			'\\x' . unpack('H*', "{ok,\xa4\xa2\xa4\xa4," . ($format eq 'csv' ? '"\\\\\\\\"' : '"\\\\"') . ',' . ($format eq 'csv' ? 'NULL' : '""') . '}'),
			"$format: a delimiter inside other characters");
	}
	psql(qq{DROP DATABASE "$db"});
}

done_testing();
