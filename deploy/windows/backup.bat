@echo off
rem One backup now, while the panel runs, into the folder that is given: backup.bat D:\backup
chcp 65001 >nul
setlocal
cd /d "%~dp0..\.."
set PYTHONUTF8=1
if not "%~1"=="" set BACKUP_FOLDER=%~1
.venv\Scripts\flask --app admin_app backups make
