# The version of a database server on another host, in the format of `mysqld -V`. puppetlabs-mysql needs it to know the
# SQL dialect, but hosts that have only the client have no mysqld.
Facter.add('mysqld_version') do
  setcode do
    login = "#{Facter.value(:root_home) || '/root'}/.my.cnf"
    if File.exist?(login) && !Facter::Core::Execution.which('mysqld') && Facter::Core::Execution.which('mysql')
      query = "SELECT CONCAT(VERSION(), ' (', @@version_comment, ')')"
      said = Facter::Core::Execution.execute(
        "mysql --defaults-file=#{login} --connect-timeout=10 --batch --skip-column-names --execute=\"#{query}\"",
        :on_fail => nil
      )
      said unless said.to_s.empty?
    end
  end
end
