#-------------------------------------------------------------------------
#
# S3Copy.pm
#		Read files strictly with foreign tables and with COPY, and compare.
#
# Both must give the same rows, or fail with the same message, SQLSTATE, record
# and column.  What may differ is what docs/semantics.md ("As COPY does") says:
#
#	- COPY names the last line of a record, and counts only those line ends
#	  within quotes that are of the kind it knows; a foreign table names the
#	  first line, and counts all lines.  So lines are compared through records,
#	  found here in a simple way;
#	- of two faults in one record, one of them too few fields, COPY tells the
#	  value that does not fit.
#
# The extension and the server s3 are there already.
#
# IDENTIFICATION
#		test/perl/S3Copy.pm
#
#-------------------------------------------------------------------------
package S3Copy;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

use S3Test;

our @EXPORT = qw(compare_with_copy);

# Where records begin and end: a list of [first line, as foreign tables count;
# first line and last line, as COPY does].
sub records
{
	my ($bytes, $format) = @_;
	my $csv = $format eq 'csv';
	my (@records, $eol, $quoted);
	my ($copy, $from) = (1, 1);
	my ($lfs, $crs) = (0, 0);
	my $start = [ 0, 0 ];
	my $length = length $bytes;

	for (my $i = 0; $i < $length; $i++)
	{
		my $c = substr $bytes, $i, 1;
		my $next = substr $bytes, $i + 1, 1;

		if ($csv && $c eq '"')
		{
			$quoted = !$quoted;
		}
		elsif (!$csv && $c eq '\\')
		{
			# An escaped line end belongs to the line, and COPY does not count it.
			$i++;
			$c = $next;
			$lfs++ if $c eq "\n";
			$crs++ if $c eq "\r";
		}
		elsif ($c eq "\n" || $c eq "\r")
		{
			if ($quoted)
			{
				$c eq "\n" ? $lfs++ : $crs++;
				$copy++ if $c eq (($eol || '') eq "\n" ? "\n" : "\r");
				next;
			}
			$eol = $c eq "\r" && $next eq "\n" ? "\r\n" : $c if !defined $eol;
			push @records, [ $start, $from, $copy ];
			if ($eol eq "\r\n" && $c eq "\r" && $next eq "\n")
			{
				$i++;
				$crs++;
				$c = "\n";
			}
			$c eq "\n" ? $lfs++ : $crs++;
			$from = ++$copy;
			$start = [ $lfs, $crs ];
		}
	}
	push @records, [ $start, $from, $copy ];
	my $kind = ($eol || '') eq "\r" ? 1 : 0;
	return map { [ 1 + $_->[0][$kind], @$_[ 1, 2 ] ] } @records;
}

sub setup
{
	psql(<<'SQL');
CREATE TABLE copy_cases (number int, columns text, options text, file text, location text);
CREATE TABLE copy_results (number int, how text, rows text, state text, message text, context text);
CREATE FUNCTION copy_try(c copy_cases, how text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	found text;
	state text;
	message text;
	context text;
BEGIN
	BEGIN
		IF how = 'copy' THEN
			EXECUTE format('CREATE TEMP TABLE strictly (%s)', c.columns);
			EXECUTE format('COPY strictly FROM %L (%s)', c.file, c.options);
		ELSE
			EXECUTE format('CREATE FOREIGN TABLE strictly (%s) SERVER s3 OPTIONS (location %L, %s)',
				c.columns, c.location, c.options);
		END IF;
		EXECUTE 'SELECT count(*) || chr(10) || coalesce(string_agg(s::text, chr(10)), '''') FROM strictly s' INTO found;
		EXECUTE CASE how WHEN 'copy' THEN 'DROP TABLE strictly' ELSE 'DROP FOREIGN TABLE strictly' END;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE,
			context = PG_EXCEPTION_CONTEXT;
	END;
	INSERT INTO copy_results VALUES (c.number, how, found, state, message, context);
END
$$;
SQL
}

# Line and column of an error.
sub place
{
	my ($context) = @_;

	return $context =~ /^(?:COPY strictly|object ".*?"), line (\d+)(?:, column (\w+))?/m ? ($1, $2 || '') : (0, '');
}

# compare_with_copy($bucket, @cases), each { name, bytes, columns, format,
# header }: the differences as text, and counts { rows, failed, order } of what
# was found.
sub compare_with_copy
{
	my ($bucket, @cases) = @_;
	my $tmp = server_tmp();
	my (%found, %counts, @differences);
	my $sql = '';

	setup() if psql("SELECT to_regclass('copy_cases') IS NULL") eq 't';
	psql('TRUNCATE copy_cases, copy_results');
	for my $number (0 .. $#cases)
	{
		my $case = $cases[$number];
		my $path = "$tmp/copy_$number";

		open my $fh, '>:raw', $path or die "$path: $!\n";
		print $fh $case->{bytes};
		close $fh or die "$path: $!\n";
		chmod 0644, $path;
		$sql .= "INSERT INTO copy_cases VALUES ($number, " . join(', ', map { lit($_) }
			$case->{columns},
			"format '$case->{format}', header '" . ($case->{header} ? 'true' : 'false') . "'",
			$path, "s3://$bucket/strictly/$number.csv") . ");\n";
	}
	s3_put_many($bucket, { map { ("strictly/$_.csv" => $cases[$_]{bytes}) } 0 .. $#cases });
	psql($sql);
	for my $how ('copy', 's3')
	{
		# so many transactions, as each takes locks
		for (my $n = 0; $n < @cases; $n += 200)
		{
			psql("SELECT copy_try(c, '$how') FROM copy_cases c WHERE number >= $n AND number < $n + 200");
		}
	}
	for my $line (split /\n/, psql('SELECT row_to_json(r) FROM copy_results r'))
	{
		my $result = JSON::PP->new->utf8->decode($line);

		$found{ $result->{how} }[ $result->{number} ] = $result;
	}
	unlink glob "$tmp/copy_*";

	for my $number (0 .. $#cases)
	{
		my $case = $cases[$number];
		my ($copy, $s3) = map { $found{$_}[$number] } 'copy', 's3';
		my ($what) = map
		{
			!defined $copy->{state} || !defined $s3->{state}
			  ? (defined $copy->{rows} && defined $s3->{rows} && $copy->{rows} eq $s3->{rows} ? '' : 'rows')
			  : failures_differ($case, $copy, $s3, \%counts)
		} 1;

		$counts{ defined $copy->{state} ? 'failed' : 'rows' }++;
		next if $what eq '';
		push @differences, substr "$case->{name}: $what: COPY "
		  . join(' ', map { $_ || '' } @$copy{ 'rows', 'state', 'message', 'context' })
		  . "; foreign table " . join(' ', map { $_ || '' } @$s3{ 'rows', 'state', 'message', 'context' })
		  . "; of " . JSON::PP->new->latin1->allow_nonref->encode($case->{bytes}), 0, 3000;
	}
	return (\@differences, \%counts);
}

sub failures_differ
{
	my ($case, $copy, $s3, $counts) = @_;
	my ($copy_line, $copy_column) = place($copy->{context});
	my ($line, $column) = place($s3->{context});

	# COPY finds bad bytes before the end of a record; right behind a CR, even
	# before its beginning.
	my $early = $copy->{state} eq '22021' && $copy_column eq '' ? 1 + ($case->{bytes} =~ /\r[\0\x80-\xff]/) : 0;
	return 'records'
	  if !grep
	  {
		  $_->[0] == $line
			&& ($early ? $_->[1] - $early < $copy_line && $copy_line <= $_->[2] : $_->[2] == $copy_line)
	  } records($case->{bytes}, $case->{format});
	return '' if $copy->{message} eq $s3->{message} && $copy->{state} eq $s3->{state} && $copy_column eq $column;
	if ($s3->{message} =~ /^missing data for column "/ && $copy->{state} =~ /^22(?:00|P02)/ && $copy_column ne '')
	{
		$counts->{order}++;
		return '';
	}
	return 'failures';
}

1;
